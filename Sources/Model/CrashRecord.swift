/// An address or offset; in JSON a string such as "0x7f51", because many JSON readers round numbers beyond 2^53.
public struct Address: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number.
    public var value: UInt64

    /// Wraps a number.
    public init(_ value: UInt64) { self.value = value }

    /// "0x" and lower-case hexadecimal digits.
    public var description: String { "0x" + String(value, radix: 16) }

    /// Compares the numbers.
    public static func < (left: Address, right: Address) -> Bool { left.value < right.value }

    /// Reads "0x…"; throws a `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard text.hasPrefix("0x"), let number = UInt64(text.dropFirst(2), radix: 16) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an address: \(text)")
        }
        value = number
    }

    /// Writes "0x…".
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// How a frame was found; the words of rust-minidump, and `text` for frames that a report printed.
public enum FrameTrust: String, Codable, Sendable {
    /// The registers of the thread.
    case context
    /// Call frame information: `.eh_frame`, `.debug_frame`, or Breakpad's STACK records.
    case cfi
    /// The chain of frame pointers.
    case framePointer = "frame_pointer"
    /// A return address on the stack that follows a call to the current function.
    case call
    /// A word on the stack that looks like a return address; may be stale.
    case scan
    /// An inlined call within the frame below it in this list.
    case inline
    /// Printed in a report, by the program or by a tool that unwound its stack.
    case text
}

/// One call on a stack; frame 0 is the innermost.
public struct CrashFrame: Codable, Sendable, Equatable {
    /// Position in its thread, from 0.
    public var index: Int
    /// The instruction's address; for callers, the return address minus one.
    public var address: Address?
    /// File name of the module.
    public var module: String?
    /// Offset within the module.
    public var offset: Address?
    /// The module's GNU build id, or a minidump's debug id.
    public var buildID: String?
    /// Demangled name.
    public var function: String?
    /// Source file as the debug information or the report names it.
    public var file: String?
    /// Source line, from 1.
    public var line: Int?
    /// True when the call was inlined.
    public var inlined: Bool?
    /// How the frame was found.
    public var trust: FrameTrust

    /// Creates a frame with its position and trust; all else is nil.
    public init(index: Int, trust: FrameTrust) {
        self.index = index
        self.trust = trust
    }

    enum CodingKeys: String, CodingKey {
        case index, address, module, offset, function, file, line, inlined, trust
        case buildID = "build_id"
    }
}

/// One thread of the process.
public struct CrashThread: Codable, Sendable, Equatable {
    /// The system's thread id.
    public var thread: Int
    /// The name the program gave it, when the dump holds it.
    public var name: String?
    /// Innermost first; empty when the thread was not unwound.
    public var frames: [CrashFrame]
    /// Registers by name, when the dump holds them.
    public var registers: [String: Address]

    /// Creates a thread.
    public init(thread: Int, name: String? = nil, frames: [CrashFrame] = [], registers: [String: Address] = [:]) {
        self.thread = thread
        self.name = name
        self.frames = frames
        self.registers = registers
    }
}

/// One executable or library that was mapped.
public struct CrashModule: Codable, Sendable, Equatable {
    /// Whether functions of this module could be named.
    public enum Symbols: String, Codable, Sendable {
        /// Symbols were read.
        case found
        /// The symbol store has nothing under its build id.
        case missing
        /// The symbol store has its symbols, but they could not be read; a note says why.
        case unreadable
        /// Not searched for: no build id is known, or no frame is in it.
        case unknown
    }

    /// File name.
    public var name: String
    /// Path as the dump names it; never opened.
    public var path: String?
    /// Lowest address.
    public var base: Address
    /// Length of the mapped range in bytes.
    public var size: UInt64
    /// GNU build id, lower-case hexadecimal.
    public var buildID: String?
    /// Breakpad debug id (GUID and age), upper-case hexadecimal.
    public var debugID: String?
    /// Digest of the file's first page, for a module without a build id: its symbols are found by digest and name.
    public var firstPage: String?
    /// Name under which Breakpad stores the module's symbols, if it differs from `name`.
    public var debugFile: String?
    /// Version, if the dump has one.
    public var version: String?
    /// Whether symbols were found.
    public var symbols: Symbols

    /// Creates a module; `size` is in bytes.
    public init(name: String, path: String? = nil, base: Address, size: UInt64) {
        self.name = name
        self.path = path
        self.base = base
        self.size = size
        self.symbols = .unknown
    }

    enum CodingKeys: String, CodingKey {
        case name, path, base, size, version, symbols
        case buildID = "build_id"
        case debugID = "debug_id"
        case debugFile = "debug_file"
        case firstPage = "first_page"
    }
}

/// The reason for a dump's crash, in the program's own words from a report in a log.
public struct CrashCause: Codable, Sendable, Equatable {
    /// Which parser found the report: `assert glibc cxx asan rust …`.
    public var detector: String
    /// The exception's type or the sanitizer's name for the error.
    public var exception: String?
    /// The assertion's or the panic's text.
    public var message: String?

    /// Creates a cause from what a report says.
    public init(detector: String, exception: String? = nil, message: String? = nil) {
        self.detector = detector
        self.exception = exception
        self.message = message
    }
}

/// One analysed crash of one process, or an error the process survived (`kind` is then "error").
public struct CrashRecord: Codable, Sendable, Equatable {
    /// Stable id: analysing the same member again gives the same one.
    public var crash = ""
    /// The session's id. This and the next three fields are copied from the context.
    public var session: String?
    /// The session's image.
    public var image: String?
    /// The session's tag.
    public var tag: String?
    /// The session's location.
    public var location: String?
    /// ISO-8601 in UTC with milliseconds.
    public var time: String?
    /// Where `time` comes from: "dump", "log", "file" (when the dump was last written) or "exit".
    public var timeSource: String?
    /// `elf_core minidump microdump unreal asan go rust …`; "error" for an error that the program survived; "snapshot"
    /// for a dump of a process that did not die.
    public var kind: String
    /// Which reader or parser found it; equals `kind` except for errors and snapshots.
    public var detector: String
    /// Signal name such as SIGSEGV.
    public var signal: String?
    /// Exception name: a signal's code (SEGV_MAPERR), a Windows exception, a language's exception type.
    public var exception: String?
    /// The faulting address.
    public var address: Address?
    /// "read", "write" or "execute", where known.
    public var access: String?
    /// Process id.
    public var pid: Int?
    /// Name of the executable, a path where known.
    public var executable: String?
    /// Command line, escaped; may contain secrets that the program was started with.
    public var commandLine: String?
    /// Operating system, where the dump names it.
    public var os: String?
    /// `x86 amd64 arm arm64`.
    public var arch: String?
    /// Id of the crashing thread.
    public var thread: Int?
    /// Name of the crashing thread.
    public var threadName: String?
    /// How many threads the process had.
    public var threadCount: Int?
    /// Readable key of the bug, the same across builds.
    public var signature = ""
    /// What the signature is based on: `symbol`, `message`, `offset` or `none`.
    public var signatureQuality = SignatureQuality.none
    /// Version of the signature algorithm; 0 for a record without a signature.
    public var signatureVersion = 0
    /// Finer key than the signature: SHA-256 of the normalised frames.
    public var stackHash: String?
    /// Assertion, panic or exception text.
    public var message: String?
    /// What a log says about the crash, if the record is from a dump.
    public var cause: CrashCause?
    /// Frames of the crashing thread, innermost first.
    public var frames: [CrashFrame] = []
    /// All threads, if they were read; the crashing one first.
    public var threads: [CrashThread] = []
    /// Modules in order of address.
    public var modules: [CrashModule] = []
    /// What is missing or odd, and why.
    public var notes: [String] = []
    /// Path of the member the record was read from.
    public var member: String?
    /// Byte offset of the report within its member; nil for a dump that is a whole member.
    public var memberOffset: UInt64?
    /// Further members in which the same crash was found.
    public var alsoIn: [String] = []

    /// Creates a record of which only the kind is known.
    public init(kind: String) {
        self.kind = kind
        self.detector = kind
    }

    /// The `kind` of an error that the program survived.
    public static let survivedError = "error"

    /// The `kind` of a dump taken on request of a process that kept running.
    public static let snapshot = "snapshot"

    /// False for an error that the program survived and for a dump of a process that did not die.
    public var isCrash: Bool { Self.isCrash(kind: kind) }

    /// Whether a record of this kind, nil when unknown, is of a process that died.
    public static func isCrash(kind: String?) -> Bool { kind != survivedError && kind != snapshot }

    enum CodingKeys: String, CodingKey {
        case crash, session, image, tag, location, time, kind, detector, signal, exception, address, access, pid
        case executable, os, arch, thread, signature, message, cause, frames, threads, modules, notes, member
        case timeSource = "time_source"
        case commandLine = "command_line"
        case threadName = "thread_name"
        case threadCount = "thread_count"
        case signatureQuality = "signature_quality"
        case signatureVersion = "signature_version"
        case stackHash = "stack_hash"
        case memberOffset = "member_offset"
        case alsoIn = "also_in"
    }
}
