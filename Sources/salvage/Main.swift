import Dispatch
import Glibc
import SalvageCommands

/// Nothing but the way in: everything the program does lives in the libraries.
///
/// The child of an ingest is recognised before anything concurrent is set up: it confines itself, and a runtime that is
/// still starting on another thread would find its own system calls refused.
@main
struct Main {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let status = SalvageProgram.runChild(arguments) { exit(status) }
        if let status = SalvageProgram.runQuery(arguments) { exit(status) }
        if let status = SalvageProgram.prepare(arguments) { exit(status) }
        Task { exit(await SalvageProgram.run(arguments)) }
        dispatchMain()
    }
}
