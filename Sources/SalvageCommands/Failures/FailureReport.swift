import BlockIndex
import Catalog
import CrashAnalysis
import Files
import Harvest
import Ingest
import Live
import LogSearch
import Model
import Notify
import Pack
import S3
import SalvageConfiguration
import SalvageServer
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
        case let error as NotifyError: return Failure(StoreError(error))
        case let error as MetricsServerError:
            return Failure(
                error.code.rawValue, error.message, hint: error.hint,
                status: error.code == .badAddress ? .usage : .failure)
        case is CatalogError, is CrashError, is FileFailure, is IngestError, is PackError, is S3Error, is LiveFailure,
            is LogSearchError, is BlockIndexError:
            return Failure(StoreError(error))
        default: return Failure("unexpected", "\(error)")
        }
    }
}
