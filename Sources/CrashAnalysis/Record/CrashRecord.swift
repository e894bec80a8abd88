/// An address or offset; JSON text such as "0x7f51", because numbers beyond 2^53 do not survive many JSON readers.
public struct Address: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number.
    public var value: UInt64

    /// Wraps a number.
    public init(_ value: UInt64) { self.value = value }

    /// "0x" and lower-case hexadecimal digits.
    public var description: String { "0x" + String(value, radix: 16) }

    /// By number.
    public static func < (left: Address, right: Address) -> Bool { left.value < right.value }

    /// Reads "0x…".
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
    /// A return address on the stack that stands behind a call of the very function that runs.
    case call
    /// A word on the stack that looks like a return address; may be stale.
    case scan
    /// An inlined call within the frame below it in this list.
    case inline
    /// Printed by the program or a tool that unwound it there.
    case text
}

/// One call on a stack; frame 0 is the innermost.
public struct CrashFrame: Codable, Sendable, Equatable {
    /// Position in its thread, from 0.
    public var index: Int
    /// The instruction's address; for callers, the return address less one.
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

    /// A frame of which only its place and trust are known yet.
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

    /// A thread before unwinding.
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
        /// Not looked for: no build id is known, or no frame lies in it.
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
    /// Digest of the file's first page, of a module without a build id: its symbols are found by this and its name.
    public var firstPage: String?
    /// Name under which Breakpad files the module's symbols, where it is another than `name`.
    public var debugFile: String?
    /// Version, where the dump has one.
    public var version: String?
    /// Whether symbols were found.
    public var symbols: Symbols

    /// A module at an address.
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

/// What a report in a log says of the crash that a dump shows: why it happened, in the program's own words.
public struct CrashCause: Codable, Sendable, Equatable {
    /// Which parser found the report: `assert glibc cxx asan rust …`.
    public var detector: String
    /// The exception's type or the sanitizer's word.
    public var exception: String?
    /// The assertion's or the panic's text.
    public var message: String?
}

/// One analysed crash of one process, or an error the process survived (`kind` is then "error").
public struct CrashRecord: Codable, Sendable, Equatable {
    /// Stable identity: the same member analysed again has the same one.
    public var crash = ""
    /// Facts of the session, copied from the context.
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
    /// `elf_core minidump microdump unreal asan go rust …`; "error" for what the program survived; "snapshot" for an
    /// image of a process that did not die.
    public var kind: String
    /// Which reader or parser found it; equals `kind` but for errors.
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
    /// Command line, escaped; secrets in it are the program's own doing.
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
    /// `symbol`, `message`, `offset` or `none`: what the signature rests on.
    public var signatureQuality = SignatureQuality.none
    /// Version of the signature algorithm.
    public var signatureVersion = SignatureAlgorithm.version
    /// Fine key: SHA-256 over the normalised frames.
    public var stackHash: String?
    /// Assertion, panic or exception text.
    public var message: String?
    /// What a log says of the crash, where the record is that of a dump.
    public var cause: CrashCause?
    /// Frames of the crashing thread, innermost first.
    public var frames: [CrashFrame] = []
    /// All threads, where they were read; the crashing one first.
    public var threads: [CrashThread] = []
    /// Modules in order of address.
    public var modules: [CrashModule] = []
    /// What is missing or odd, and why.
    public var notes: [String] = []
    /// Path of the member the record was read from.
    public var member: String?
    /// Byte offset of the report within its member; 0 for dumps.
    public var memberOffset: UInt64?
    /// Further members in which the same crash was found.
    public var alsoIn: [String] = []

    /// A record before anything is known but its kind.
    public init(kind: String) {
        self.kind = kind
        self.detector = kind
    }

    /// What `kind` says of an image of a process that somebody asked for, and that went on.
    public static let snapshot = "snapshot"

    /// False for an error that the program survived, and for an image of a process that did not die.
    public var isCrash: Bool { kind != "error" && kind != Self.snapshot }

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

/// What is known of the session that a member belongs to; copied into records.
public struct CrashContext: Sendable, Equatable {
    /// Session id.
    public var session: String?
    /// Image.
    public var image: String?
    /// Tag.
    public var tag: String?
    /// Location.
    public var location: String?
    /// When the session began, milliseconds since 1970: the day of stamps that have none.
    public var created: Int64?
    /// When the session ended, milliseconds since 1970; the time of last resort.
    public var exited: Int64?
    /// When the member was last changed, milliseconds since 1970: of a dump, when it was written.
    public var modified: Int64?

    /// All parts may be absent.
    public init(
        session: String? = nil, image: String? = nil, tag: String? = nil, location: String? = nil,
        created: Int64? = nil, exited: Int64? = nil, modified: Int64? = nil
    ) {
        self.session = session
        self.image = image
        self.tag = tag
        self.location = location
        self.created = created
        self.exited = exited
        self.modified = modified
    }
}

extension CrashContext {
    /// The earliest moment of which a log's stamps without a date can tell: the session's start, or a day before the log
    /// was last written; nil where neither is known.
    var logBegan: Int64? { created ?? (modified ?? exited).map { $0 &- 86_399_000 } }
}
