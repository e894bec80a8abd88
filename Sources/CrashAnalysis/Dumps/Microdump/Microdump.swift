import Bytes
import Model

/// A Breakpad text microdump: `S`, `C`, `M`, `O` … lines inside a log (Breakpad `microdump_processor`).
struct Microdump {
    private static let lineLimit = 200_000
    private static let begin = "-----BEGIN BREAKPAD MICRODUMP-----"
    private static let end = "-----END BREAKPAD MICRODUMP-----"

    private var arch: Architecture?
    private var os: String?
    private var context: [UInt8] = []
    private var stack: [(start: UInt64, bytes: [UInt8])] = []
    private var stackPointer: UInt64?
    private var modules: [MappedModule] = []
    private var reason: (code: Int, name: String, address: UInt64)?
    private var version: String?
    private var complete = false

    /// Reads the last complete microdump of the text, as Breakpad does, else an incomplete one at its end; nil when
    /// there is none.
    init?(_ text: [UInt8]) {
        var found: Microdump?
        var current: Microdump?
        var lines = 0
        for line in text.split(separator: 0x0a) where lines < Self.lineLimit {
            lines += 1
            let content = String(decoding: line, as: UTF8.self)
            if content.contains(Self.begin) {
                current = Microdump()
            } else if content.contains(Self.end) {
                // A dump without a context is the first part of one that the log's size limit split.
                current?.complete = true
                if let current, found == nil || !current.context.isEmpty { found = current.merged(into: found) }
                current = nil
            } else {
                current?.take(content)
            }
        }
        if let current, found == nil { found = current }
        guard let found else { return nil }
        self = found
    }

    private init() {}

    private func merged(into other: Microdump?) -> Microdump {
        guard var base = other, base.context.isEmpty || base.stack.isEmpty else { return self }
        if base.context.isEmpty { base.context = context }
        if base.stack.isEmpty { base.stack = stack }
        base.modules += modules
        base.arch = base.arch ?? arch
        base.os = base.os ?? os
        base.reason = base.reason ?? reason
        return base
    }

    /// Parses one line: after its log prefix, a letter, a space and fields.
    private mutating func take(_ line: String) {
        let body = line.after("google-breakpad").flatMap { $0.after(": ") } ?? line.trimmed
        let words = body.split(separator: " " as Character).map { String($0).trimmed }
        guard let kind = words.first, kind.utf8.count == 1 else { return }
        switch kind {
        case "O": takeSystem(words)
        case "S": takeStack(words)
        case "C": context = words.count > 1 ? Hex.bytes(words[1]) ?? [] : []
        case "M": takeModule(words, body)
        case "V": version = words.dropFirst().joined(separator: " ")
        case "R":
            guard words.count >= 4, let code = Int(words[1], radix: 16), let address = UInt64(words[3], radix: 16)
            else {
                return
            }
            reason = (code, words[2], address)
        default: return
        }
    }

    private mutating func takeSystem(_ words: [String]) {
        guard words.count > 2 else { return }
        os = words[1] == "A" ? "android" : words[1] == "L" ? "linux" : nil
        switch words[2] {
        case "arm": arch = .arm
        case "arm64": arch = .arm64
        case "x86": arch = .x86
        case "x86_64": arch = .amd64
        default: arch = nil
        }
    }

    private mutating func takeStack(_ words: [String]) {
        if words.count == 5 {
            stackPointer = UInt64(words[2], radix: 16)
        } else if words.count == 3, let start = UInt64(words[1], radix: 16), let bytes = Hex.bytes(words[2]),
            stack.count < Self.lineLimit
        {
            stack.append((start, bytes))
        }
    }

    private mutating func takeModule(_ words: [String], _ body: String) {
        guard words.count >= 6, let base = UInt64(words[1], radix: 16), let size = UInt64(words[3], radix: 16),
            modules.count < 65_536, base.addingClamped(size) != .max
        else { return }
        let name = words[5...].joined(separator: " ")
        var record = CrashModule(name: name, base: Address(base), size: size)
        record.debugID = words[4]
        modules.append(
            MappedModule(
                record: record, bias: base, segments: [], code: size > 0 ? [base..<base + size] : [], debugFile: name))
    }

    /// Returns a record of the dump, with its only thread unwound.
    func record(symbols: SymbolStore?, options: CrashAnalyzer.Options) -> CrashRecord {
        var record = CrashRecord(kind: "microdump")
        record.os = os
        record.arch = arch?.rawValue
        if let reason {
            record.signal = SignalNames.name(reason.code)
            record.address = Address(reason.address)
        }
        record.modules = modules.map(\.record).sorted { $0.base < $1.base }
        if !complete { record.notes.append("truncated: the microdump has no end line") }
        guard let arch, let registers = registers(arch) else {
            record.notes.append(arch == nil ? "unknown processor" : "the register context is missing or truncated")
            return record
        }
        let memory = PieceMemory(stack)
        let tables = ProcessTables(arch: arch, modules: modules, store: symbols, memory: memory)
        let unwinder = Unwinder(arch: arch, memory: memory, tables: tables, style: .minidump(windows: false))
        let raw = unwinder.walk(registers)
        record.frames = record.kept(tables.frames(raw, sourceLines: options.sourceLines), walked: raw.count)
        record.threads = [CrashThread(thread: 0, frames: record.frames, registers: registers.named)]
        record.threadCount = 1
        record.noteUnread(tables.modules)
        if reason == nil { record.notes.append("the dump records no signal") }
        return record
    }

    /// The context has the layout of a minidump's.
    private func registers(_ arch: Architecture) -> Registers? {
        MinidumpSystem(arch: arch).registers(ByteView(bytes: context))
    }
}

/// Memory in a few pieces, each held whole.
final class PieceMemory: ProcessMemory {
    private let pieces: [(start: UInt64, bytes: [UInt8])]

    init(_ pieces: [(start: UInt64, bytes: [UInt8])]) {
        var joined: [(start: UInt64, bytes: [UInt8])] = []
        for piece in pieces.sorted(by: { $0.start < $1.start }) {
            if let last = joined.indices.last, joined[last].start &+ UInt64(joined[last].bytes.count) == piece.start {
                joined[last].bytes += piece.bytes
            } else {
                joined.append(piece)
            }
        }
        self.pieces = joined
    }

    func bytes(at address: UInt64, count: Int) -> [UInt8] {
        guard count > 0,
            let piece = pieces.last(where: { $0.start <= address && address - $0.start < UInt64($0.bytes.count) })
        else { return [] }
        let from = Int(address - piece.start)
        return Array(piece.bytes[from..<from + min(count, piece.bytes.count - from)])
    }
}
