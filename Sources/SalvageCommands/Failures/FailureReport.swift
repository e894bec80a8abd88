import BlockIndex
import Catalog
import CrashAnalysis
import Files
import Harvest
import Ingest
import Live
import LogSearch
import Model
import Pack
import SalvageConfiguration
import SessionAPI
import Store

/// Converts the errors of all modules to `Failure`.
enum FailureReport {
    /// Returns the failure to report for `error`.
    static func failure(for error: any Error) -> Failure {
        switch error {
        case let failure as Failure: return failure
        case let error as StoreError: return Failure(error)
        case let error as APIError: return Failure(error)
        case let harvest as HarvestError: return Failure(harvest)
        case let configuration as ConfigurationError: return Failure(configuration)
        case is CatalogError, is CrashError, is FileFailure, is IngestError, is PackError, is LiveFailure,
            is LogSearchError, is BlockIndexError:
            return Failure(StoreError(error))
        default: return Failure("unexpected", "\(error)")
        }
    }
}
