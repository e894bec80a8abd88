public import Catalog
public import CrashAnalysis
public import Live
public import LogSearch
import Model
public import Pack

extension StoreError {
    /// Converts an error of the modules below; any other becomes `unexpected`.
    public init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as CatalogError: self.init(error)
        case let error as PackError: self.init(error)
        case let error as LiveFailure: self.init(error)
        case let error as LogSearchError: self.init(error)
        case let error as CrashError: self.init(error)
        default: self.init(.unexpected, "\(error)")
        }
    }

    /// Converts an error of the catalog.
    public init(_ error: CatalogError) {
        let kind: Kind
        switch error.code {
        case .unknownSession: kind = .notFound
        case .ambiguousSession: kind = .invalid
        case .busy, .restoring: kind = .tryAgain
        default: kind = .failed
        }
        // The message already has the prefix that was typed; in `session` it would look like a full id.
        let path = kind == .failed || error.code == .restoring ? error.path : nil
        self.init(Code(rawValue: error.code.rawValue), error.message, path: path, hint: error.hint, kind: kind)
    }

    /// Converts an error of a pack.
    public init(_ error: PackError) {
        guard !error.isLocalFault else {
            self.init(
                Code(rawValue: error.code.rawValue), error.description, path: error.path,
                hint: error.hint ?? "it cannot be read now, which does not mean that it is damaged; try again",
                kind: .tryAgain)
            return
        }
        let isDamage = [.notAPack, .damagedFooter, .damagedSection, .damagedBlock].contains(error.code)
        self.init(
            Code(rawValue: error.code.rawValue), error.description,
            hint: error.hint ?? (isDamage ? "salvage verify names what is damaged" : nil))
    }

    /// Converts an error of a followed log.
    public init(_ error: LiveFailure) {
        self.init(.followedLogUnreadable, error.description, path: error.path)
    }

    /// Converts an error of a search.
    public init(_ error: LogSearchError) {
        self.init(
            Code(rawValue: error.code.rawValue), error.message, hint: error.hint,
            kind: error.code == .usage ? .invalid : .failed)
    }

    /// Converts an error of the crash readers.
    public init(_ error: CrashError) {
        self.init(Code(rawValue: error.code.rawValue), error.message, path: error.path, hint: error.hint)
    }
}
