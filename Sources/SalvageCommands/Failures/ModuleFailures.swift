import Harvest
import Ingest
import LogSearch
import Model
import Pack
import SalvageConfiguration
import SessionAPI
import Store
import Terminal

extension Failure {
    /// Converts an error of the store and picks the exit code.
    init(_ error: StoreError) {
        let status: ExitStatus
        switch error.kind {
        case .notFound: status = .nothingFound
        case .invalid: status = .usage
        case .partial: status = .partial
        case .tryAgain: status = .tryAgain
        case .failed: status = .failure
        }
        self.init(
            error.code.rawValue, error.message, session: error.session, path: error.path, hint: error.hint,
            status: status)
    }

    /// Converts a harvest error and picks the exit code.
    init(_ error: HarvestError) {
        let status: ExitStatus
        switch error.code {
        case .notAuthorised: status = .notAuthorised
        case .storeLocked, .apiUnavailable, .machineShort, .overdue, .catalogNotWritten: status = .tryAgain
        case .unknownSession: status = .nothingFound
        case .invalidAddress: status = .usage
        default: status = .failure
        }
        self.init(
            error.code.rawValue, error.message, session: error.session, path: error.path, hint: error.hint,
            status: status)
        if error.status != nil || error.identifier != nil {
            answer = ServerAnswer(status: error.status, identifier: error.identifier)
        }
    }

    /// Converts an error of the configuration or the token and picks the exit code.
    init(_ error: ConfigurationError) {
        let status: ExitStatus
        switch error.code {
        case .tokenMissing, .tokenRefused, .tokenUnreadable: status = .notAuthorised
        case .secretRefused, .secretUnreadable, .secretMissing: status = .failure
        case .invalidConfiguration: status = .usage
        default: status = .failure
        }
        self.init(error.code.rawValue, error.message, path: error.path, hint: error.hint, status: status)
    }
}
