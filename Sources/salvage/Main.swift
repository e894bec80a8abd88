import Dispatch
import Glibc
import SalvageCommands

/// The entry point. Everything the program does is in the libraries.
///
/// A confined child is recognised before anything concurrent is set up: it confines itself, and a runtime that is still
/// starting on another thread would have its system calls refused.
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
