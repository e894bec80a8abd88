public import Model

/// A crash to be sent, as the store knows it now.
public struct ExportedCrash: Sendable {
    /// The record, with the session's facts of now.
    public var record: CrashRecord
    /// The session's id.
    public var session: String
    /// The signature, merges considered.
    public var signature: String
    /// The machine that ran the session; nil if it is not known.
    public var host: String?
    /// The crash's page; nil leaves it out.
    public var link: String?
    /// Its minidump; nil if it has none or none is wanted.
    public var minidump: Minidump?
    /// Why it has no minidump although one is wanted; nil if nothing is to be said.
    public var note: String?

    /// Creates it.
    public init(record: CrashRecord, session: String, signature: String) {
        self.record = record
        self.session = session
        self.signature = signature
    }
}

/// A minidump that a crash was read from.
public struct Minidump: Sendable {
    /// Its file name.
    public var name: String
    /// Its size in bytes.
    public var size: UInt64
    /// Passes its content in pieces, in order, on the caller's thread. Throws what reading or the closure throws.
    public var read: @Sendable (_ piece: ([UInt8]) throws -> Void) throws -> Void

    /// Creates it.
    public init(name: String, size: UInt64, read: @escaping @Sendable (([UInt8]) throws -> Void) throws -> Void) {
        self.name = name
        self.size = size
        self.read = read
    }
}

/// What a store has of a crash that waits.
public enum ExportContent: Sendable {
    /// It can be sent.
    case crash(ExportedCrash)
    /// It is not in the store any longer, as a sentence says.
    case gone(reason: String)
    /// It cannot be read now; a later try may succeed.
    case unreadable(reason: String)
}

/// Where the content of waiting crashes is read.
public protocol ExportSource: Sendable {
    /// Reads what the store has of a crash. Blocks.
    func content(ofCrash crash: String, session: String, withMinidump: Bool) -> ExportContent
}
