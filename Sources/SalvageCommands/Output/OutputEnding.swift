import Terminal
import Text

extension Output {
    /// Ends a query that found nothing: a line on standard error for people, exit code 1 for scripts.
    func nothing(_ message: String, _ options: GlobalOptions) throws -> Never {
        try finish()
        if !json, !options.quiet {
            let sink = BufferedOutput(descriptor: 2)
            sink.write("salvage: \(Escape.display(message))\n")
            sink.flush()
        }
        throw EndedWith(status: .nothingFound)
    }

    /// Tells a person something on standard error that is not a result, such as which session was chosen.
    func note(_ message: String, _ options: GlobalOptions) {
        guard !options.quiet, !json else { return }
        let errors = BufferedOutput(descriptor: 2)
        errors.write("salvage: \(Escape.display(message))\n")
        errors.flush()
    }

    /// Ends the command, successfully, if the reader has closed the pipe.
    func checkReader() throws {
        if sink.isClosed { throw EndedWith(status: .success) }
    }
}
