import Glibc
import SalvageCommands

/// Nothing but the way in: everything the program does lives in the libraries.
@main
struct Main {
    static func main() async {
        let status = await SalvageProgram.run(Array(CommandLine.arguments.dropFirst()))
        exit(status)
    }
}
