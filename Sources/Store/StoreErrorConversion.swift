public import BlockIndex
public import Catalog
public import CrashAnalysis
public import Files
public import Ingest
public import Live
public import LogSearch
import Model
public import Pack
public import S3

extension StoreError {
    /// Converts an error of the modules below; any other becomes `unexpected`.
    public init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as CatalogError: self.init(error)
        case let error as PackError: self.init(error)
        case let error as S3Error: self.init(error)
        case let error as LiveFailure: self.init(error)
        case let error as LogSearchError: self.init(error)
        case let error as BlockIndexError: self.init(error)
        case let error as CrashError: self.init(error)
        case let error as IngestError: self.init(error)
        case let error as FileFailure: self.init(error)
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
                Code(rawValue: error.cause ?? error.code.rawValue), error.description, path: error.path,
                hint: error.hint ?? "it cannot be read now, which does not mean that it is damaged; try again",
                kind: Self.kind(ofCause: error.cause))
            return
        }
        let isDamage = [.notAPack, .damagedFooter, .damagedSection, .damagedBlock].contains(error.code)
        self.init(
            Code(rawValue: error.code.rawValue), error.description,
            hint: error.hint ?? (isDamage ? "salvage verify names what is damaged" : nil))
    }

    /// How a failure ends that may pass, unless its cause is a bucket that gives the same answer until somebody changes
    /// the configuration or a right.
    private static func kind(ofCause cause: String?) -> Kind {
        switch cause.map(S3Error.Code.init(rawValue:)) {
        case .invalid?: .invalid
        case .denied?, .refused?: .failed
        default: .tryAgain
        }
    }

    /// Converts an error of a bucket.
    public init(_ error: S3Error) {
        let kind: Kind
        switch error.code {
        case .unavailable, .local: kind = .tryAgain
        case .invalid: kind = .invalid
        default: kind = .failed
        }
        let identifier = error.identifier.map { " (\($0))" } ?? ""
        self.init(
            Code(rawValue: error.code.rawValue), error.message + identifier, path: error.key, hint: error.hint,
            kind: kind)
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

    /// Converts an error of the filters beside the packs.
    public init(_ error: BlockIndexError) {
        self.init(Code(rawValue: error.code.rawValue), error.message, path: error.path, hint: error.hint)
    }

    /// Converts an error of the crash readers.
    public init(_ error: CrashError) {
        self.init(Code(rawValue: error.code.rawValue), error.message, path: error.path, hint: error.hint)
    }

    /// Converts an error of an ingest or of another confined reader.
    public init(_ error: IngestError) {
        let hint: String?
        switch error.code {
        // A harvest turns this into a `HarvestError`; here it ends an ingest of local files.
        case .noSpace: hint = error.hint ?? "free space on the store's disk and run the command again"
        case .localFault where error.cause != nil: hint = error.hint ?? "nothing is lost; try again"
        case .localFault: hint = "nothing is lost; try again, and check the disk if it keeps failing"
        case .unconfined: hint = Barriers.hint(error.missing)
        default: hint = nil
        }
        self.init(
            Code(rawValue: error.cause ?? error.code.rawValue), error.message, path: error.path, hint: hint,
            kind: error.code == .localFault ? Self.kind(ofCause: error.cause) : .failed)
    }

    /// Converts a failed call on a file or folder.
    public init(_ error: FileFailure) {
        self.init(
            error.isFull ? .noSpace : .fileFailed, error.message, path: error.path.isEmpty ? nil : error.path,
            kind: error.isFull || error.isAbsence ? .failed : .tryAgain)
    }
}

extension Barriers {
    /// What to do when barriers are missing.
    static func hint(_ missing: [String]) -> String {
        "use a newer kernel or fewer container restrictions, or do without them, in the configuration: "
            + "confinement: {allow_missing: [\(missing.joined(separator: ", "))]}"
    }
}
