import CrashAnalysis
import Harvest
import Ingest
import LogSearch
import Pack
import SessionAPI
import Terminal

extension Failure {
    /// The harvest's words, with the exit code that fits.
    init(_ error: HarvestError) {
        let status: ExitStatus
        switch error.code {
        case .tokenMissing, .tokenRefused, .tokenUnreadable, .notAuthorised: status = .notAuthorised
        case .storeLocked, .apiUnavailable, .machineShort: status = .tryAgain
        case .unknownSession: status = .nothingFound
        case .invalidConfiguration: status = .usage
        default: status = .failure
        }
        self.init(
            error.code.rawValue, error.message, session: error.session, path: error.path, hint: error.hint,
            status: status)
        if error.status != nil || error.identifier != nil {
            answer = ServerAnswer(status: error.status, identifier: error.identifier)
        }
    }

    /// The ingest's words.
    init(_ error: IngestError) {
        let hint: String?
        switch error.code {
        case .noSpace:
            hint =
                "make room on the store's disk; what was fetched is kept in the spool and taken up by the next harvest"
        case .localFault: hint = "nothing is lost; try again, and see to the disk if it stays so"
        case .unconfined: hint = Barriers.hint(error.missing)
        default: hint = nil
        }
        self.init(
            error.code.rawValue, error.message, path: error.path, hint: hint,
            status: error.code == .localFault ? .tryAgain : .failure)
    }

    /// The crash readers' words.
    init(_ error: CrashError) {
        self.init(error.code.rawValue, error.message, path: error.path, hint: error.hint)
    }

    /// A pack's words.
    init(_ error: PackError) {
        guard !error.isLocalFault else {
            self.init(
                error.code.rawValue, error.description, path: error.path,
                hint: "it cannot be read now, which says nothing of what it holds; try again", status: .tryAgain)
            return
        }
        self.init(error.code.rawValue, error.description, hint: "salvage verify names what is damaged")
    }

    /// The search's words.
    init(_ error: LogSearchError) {
        self.init(
            error.code.rawValue, error.message, hint: error.hint, status: error.code == .usage ? .usage : .failure)
    }
}
