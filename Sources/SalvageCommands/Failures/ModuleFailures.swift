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
        case .storeLocked, .apiUnavailable, .machineShort: status = .tryAgain
        case .unknownSession: status = .nothingFound
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
        case .invalidConfiguration: status = .usage
        default: status = .failure
        }
        self.init(error.code.rawValue, error.message, path: error.path, hint: error.hint, status: status)
    }

    /// Converts an ingest error.
    init(_ error: IngestError) {
        let hint: String?
        switch error.code {
        // A harvest turns this into a HarvestError; here it ends an `ingest`.
        case .noSpace: hint = "free space on the store's disk and run the command again"
        case .localFault: hint = "nothing is lost; try again, and check the disk if it keeps failing"
        case .unconfined: hint = Barriers.hint(error.missing)
        default: hint = nil
        }
        self.init(
            error.code.rawValue, error.message, path: error.path, hint: hint,
            status: error.code == .localFault ? .tryAgain : .failure)
    }
}
