import Catalog
import Terminal

extension Failure {
    /// Converts a catalog error and picks the exit code.
    init(_ error: CatalogError) {
        let status: ExitStatus
        switch error.code {
        case .unknownSession: status = .nothingFound
        case .ambiguousSession: status = .usage
        case .busy, .restoring: status = .tryAgain
        default: status = .failure
        }
        // The message already has the prefix that was typed; in `session` it would look like a full id.
        let path = status == .failure || error.code == .restoring ? error.path : nil
        self.init(error.code.rawValue, error.message, path: path, hint: error.hint, status: status)
    }
}

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

    /// Ends the command, successfully, if the reader has closed the pipe.
    func checkReader() throws {
        if sink.isClosed { throw EndedWith(status: .success) }
    }
}
