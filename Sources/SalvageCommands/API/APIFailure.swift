import Harvest
import JSON
import SessionAPI

extension Failure {
    /// Converts a Session API error to the form that every command reports.
    ///
    /// - Parameter address: the server's address, if the hint may name it.
    init(_ error: APIError, at address: String? = nil) {
        let status: ExitStatus =
            switch error.kind {
            case .unauthorized, .forbidden, .noToken: .notAuthorised
            case .cancelled: .interrupted
            case .invalidArgument: .usage
            // The list always exists: a 404 for it means that the address is wrong.
            case .notFound where error.operation != .sessionList: .nothingFound
            default: error.isRetryable ? .tryAgain : .failure
            }
        let hint = error.remedy(at: address) { "check with salvage api describe-session \(ShellText.quoted($0))" }
        self.init(
            error.code?.rawValue ?? error.kind.rawValue, error.summary, session: error.session, path: error.path,
            hint: hint, status: status)
        answer = ServerAnswer(error)
    }
}
