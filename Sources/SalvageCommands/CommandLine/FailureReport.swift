import Catalog
import CrashAnalysis
import Files
import Harvest
import Ingest
import Live
import LogSearch
import Pack
import SalvageConfiguration
import SessionAPI

/// Converts the errors of all modules to `Failure`.
enum FailureReport {
    /// Returns the failure to report for `error`.
    static func failure(for error: any Error) -> Failure {
        switch error {
        case let failure as Failure: return failure
        case let catalog as CatalogError: return Failure(catalog)
        case let error as APIError: return Failure(error)
        case let harvest as HarvestError: return Failure(harvest)
        case let configuration as ConfigurationError: return Failure(configuration)
        case let ingest as IngestError: return Failure(ingest)
        case let crash as CrashError: return Failure(crash)
        case let pack as PackError: return Failure(pack)
        case let file as FileFailure: return Failure(PackError(file))
        case let live as LiveFailure: return Failure("followed_log_unreadable", live.description, path: live.path)
        case let search as LogSearchError: return Failure(search)
        default: return Failure("unexpected", "\(error)")
        }
    }
}
