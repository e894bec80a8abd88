import Catalog
import CrashAnalysis
import Files
import S3

/// Why a symbol file of a shared store cannot be used now.
struct SymbolFault: Error {
    /// The cause in a few words, for a note on a crash.
    let reason: String
    /// Whether every other download would fail as well.
    let endsDownloads: Bool

    init(_ reason: String, endsDownloads: Bool = false) {
        self.reason = reason
        self.endsDownloads = endsDownloads
    }

    /// Describes an error of a local file, of the bucket or of the catalog.
    init(_ error: any Error) {
        switch error {
        case let error as SymbolFault: self = error
        case let error as FileFailure:
            self.init("the local copy cannot be used: \(error.reason)", endsDownloads: error.isFull)
        case let error as S3Error:
            self.init(error.message, endsDownloads: [.unavailable, .denied, .invalid].contains(error.code))
        case let error as CatalogError: self.init(error.message)
        default: self.init("\(error)")
        }
    }

}

extension StoreError.Code {
    /// Symbols of a shared store could not be copied or stored.
    public static let symbolsUnavailable = StoreError.Code(rawValue: "symbols_unavailable")
}

extension StoreError {
    /// Describes symbols that could not be copied to this machine.
    init(_ failure: FetchedSymbols.Failure) {
        self.init(
            .symbolsUnavailable, "symbols cannot be used now: \(failure.reason)", path: failure.place,
            hint: "nothing is lost; run the command again when the cause is gone", kind: .tryAgain)
    }
}
