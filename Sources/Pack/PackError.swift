public import Files
import Glibc

/// An error of a pack file or of the store's files.
public struct PackError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure: an open set, so that later versions can add to it.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The stable name that is printed and compared.
        public let rawValue: String

        /// Creates a code from its name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The operating system refused a read, write, sync or rename; `errno` says why.
        public static let io = Code(rawValue: "io")
        /// No room is left on the device, or a quota is used up.
        public static let noSpace = Code(rawValue: "no_space")
        /// The file does not end with a pack's trailer.
        public static let notAPack = Code(rawValue: "not_a_pack")
        /// The file was written by a later version of salvage.
        public static let unsupportedVersion = Code(rawValue: "unsupported_version")
        /// The trailer or the list of sections is damaged.
        public static let damagedFooter = Code(rawValue: "damaged_footer")
        /// One section of the footer is damaged.
        public static let damagedSection = Code(rawValue: "damaged_section")
        /// One block cannot be decoded or its checksum is wrong.
        public static let damagedBlock = Code(rawValue: "damaged_block")
        /// The requested member, block or range does not exist.
        public static let outOfRange = Code(rawValue: "out_of_range")
        /// A limit of the format would be exceeded.
        public static let tooLarge = Code(rawValue: "too_large")
        /// The caller broke the required order of calls.
        public static let misuse = Code(rawValue: "misuse")
        /// A codec or hash could not be set up.
        public static let resources = Code(rawValue: "resources")
    }

    /// The kind of failure.
    public var code: Code
    /// What failed, without a trailing full stop.
    public var message: String
    /// The file concerned, when known.
    public var path: String?
    /// Byte offset in the pack file, when known.
    public var offset: UInt64?
    /// The system's error number, for `io` and `noSpace`.
    public var errno: Int32?
    /// What the user can do about it, if anything.
    public var hint: String?
    /// The code of the error that made a read or write fail, if the pack is not a local file: that of a bucket.
    public var cause: String?

    /// Creates an error.
    public init(
        _ code: Code, _ message: String, path: String? = nil, offset: UInt64? = nil, errno: Int32? = nil,
        hint: String? = nil, cause: String? = nil
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.offset = offset
        self.errno = errno
        self.hint = hint
        self.cause = cause
    }

    /// Creates an error for a failed system call; `what` follows "cannot", `number` is its `errno`.
    static func system(_ number: Int32, _ what: String, path: String? = nil, offset: UInt64? = nil) -> PackError {
        var error = PackError(FileFailure(what, path ?? "", errno: number))
        error.offset = offset
        return error
    }

    /// Creates an error for a failed call on a file.
    ///
    /// - Parameters:
    ///   - failure: the failed call, with its path and error number.
    ///   - what: what follows "cannot"; by default the failure's own operation.
    ///   - offset: where in the file, in bytes; nil for the whole file.
    public init(_ failure: FileFailure, _ what: String? = nil, offset: UInt64? = nil) {
        self.init(
            failure.isFull ? .noSpace : .io, "cannot \(what ?? failure.operation): \(failure.reason)",
            path: failure.path.isEmpty ? nil : failure.path, offset: offset, errno: failure.errno,
            hint: failure.isFull ? "free space on the store's file system, or shorten the retention" : nil)
    }

    /// Returns the value of a call on a file, and throws its failure as an error of this module.
    public static func wrap<Value: ~Copyable>(
        _ call: @autoclosure () throws(FileFailure) -> Value
    ) throws(PackError) -> Value {
        do throws(FileFailure) { return try call() } catch { throw PackError(error) }
    }

    /// One line: the cause or the code, message, path and offset.
    public var description: String {
        var text = "\(cause ?? code.rawValue): \(message)"
        if let path { text += " [\(path)]" }
        if let offset { text += " at byte \(offset)" }
        return text
    }
}

extension PackError {
    /// Whether the file does not exist (`ENOENT`, `ENOTDIR`). Every other error means only that it cannot be reached
    /// now: too many open files, a failing disk, missing permissions.
    public var isAbsence: Bool { errno == ENOENT || errno == ENOTDIR }

    /// Whether the fault is local and may be temporary: a system call failed, but not because the file is absent or
    /// space ran out, or memory was short. It says nothing about the file itself.
    public var isLocalFault: Bool { (code == .io && !isAbsence) || code == .resources }
}
