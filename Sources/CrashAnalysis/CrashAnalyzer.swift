internal import Bytes
import Calendar
internal import Digest
public import Model
internal import Unpack

/// Finds the crashes in a member.
public struct CrashAnalyzer: Sendable {
    /// How much an analysis reads and unwinds.
    public struct Options: Sendable {
        /// Unwind every thread, not only the crashing one.
        public var allThreads = true
        /// Name file, line and inlined calls from DWARF.
        public var sourceLines = true
        /// The largest number of threads to unwind.
        public var threadLimit = Options.mostThreads

        static let mostThreads = 512
        /// Frames kept of a thread that did not crash.
        static let framesOfOthers = 64

        /// Creates the default options: all threads up to 512, with source lines.
        public init() {}
    }

    /// Detectors of dumps, which the kernel or a handler writes when the process dies.
    static let dumps: Set<String> = ["elf_core", "minidump", TextReportFormat.microdump.name]

    /// The deepest nesting: a file in a container or a compressed file is at depth 1, its UTF-16 text at depth 2.
    private static let deepest = 2

    private static let textDumpLimit = 8 << 20
    private static let packedLimit = 192 << 20

    let symbols: SymbolStore?
    /// How much to read and unwind.
    public var options: Options
    /// Where compressed dumps and uploads are unpacked; nil means in memory, with at most 192 MiB of a dump.
    public var scratch: (any DumpScratch)?

    /// Creates an analyzer. `symbols` names the functions of modules whose build id it holds; without it only what
    /// dumps hold is used.
    public init(symbols: SymbolStore? = nil, options: Options = Options()) {
        self.symbols = symbols
        self.options = options
    }

    /// Returns the crashes and survived errors in a member; empty if there are none.
    ///
    /// A broken dump yields a record that says what is broken. No path named in the bytes is opened.
    public func analyze(source: any ByteSource, name: String, context: CrashContext = CrashContext()) -> [CrashRecord] {
        var records = read(source, depth: 0, context)
        for index in records.indices { complete(&records[index], name: name, context: context) }
        return records
    }

    /// Does the same for text whose anchors an earlier scan of its blocks found. Offsets count from the start of the
    /// member and must ascend.
    public func analyze(
        text source: any ByteSource, anchors: [CrashAnchor], name: String, context: CrashContext = CrashContext()
    ) -> [CrashRecord] {
        var records = text(source, anchors, context)
        for index in records.indices { complete(&records[index], name: name, context: context) }
        return records
    }

    private func read(_ source: any ByteSource, depth: Int, _ context: CrashContext) -> [CrashRecord] {
        let head = source.bytes(at: 0, count: 65536)
        let kind = head.withUnsafeBytes { Sniffer.kind(of: $0) }
        switch kind {
        case .elfCore: return [elfCore(source)]
        case .minidump: return [minidump(source)]
        case .dummyDump: return [dummy()]
        case .unrealContext: return [UnrealContext(source.bytes(at: 0, count: UnrealContext.limit)).record()]
        case .unrealContainer: return depth == 0 ? unreal(source, context) : []
        case .compressed(let format): return depth == 0 ? packed(source, format, context) : []
        case .text, .microdump, .binary:
            if depth < Self.deepest, let order = Self.utf16Order(head) {
                return utf16(source, order, depth: depth, context)
            }
            return kind == .binary ? [] : text(source, TextAnalyzer.anchors(in: source), context)
        default: return []
        }
    }

    private static func utf16Order(_ head: [UInt8]) -> UTF16Order? {
        head.withUnsafeBytes { Sniffer.utf16Order(of: $0) ?? Sniffer.unmarkedUTF16Order(of: $0) }
    }

    private func utf16(
        _ source: any ByteSource, _ order: UTF16Order, depth: Int, _ context: CrashContext
    ) -> [CrashRecord] {
        let (plain, isWhole) = UTF16Content.plain(source, order)
        var records = read(plain, depth: depth + 1, context)
        if !isWhole {
            for index in records.indices { records[index].notes.append("the UTF-16 text was not read to its end") }
        }
        return records
    }

    private func text(_ source: any ByteSource, _ anchors: [CrashAnchor], _ context: CrashContext) -> [CrashRecord] {
        guard !anchors.isEmpty else { return [] }
        var records = TextAnalyzer(source: source, began: context.logBegan).records(anchors)
        // A microdump may start anywhere in a log. Read the first one that no other text on its line introduces.
        for anchor in anchors where anchor.id == TextReportFormat.microdump.anchors.first?.id {
            let start = anchor.offset > 512 ? anchor.offset - 512 : 0
            guard Self.opensMicrodump(source.bytes(at: start, count: Int(anchor.offset - start))),
                let dump = Microdump(source.bytes(at: start, count: Self.textDumpLimit))
            else { continue }
            var record = dump.record(symbols: symbols, options: options)
            record.memberOffset = anchor.offset
            records.append(record)
            break
        }
        return records
    }

    /// True if the line holds nothing, or Breakpad's log tag, before the first words of a microdump.
    private static func opensMicrodump(_ before: [UInt8]) -> Bool {
        let lead = String(decoding: before[(before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0)...], as: UTF8.self)
        return lead.trimmed.isEmpty || lead.contains("google-breakpad")
    }

    /// Reads a dump that its writer compressed. Compressed logs are left to the caller.
    private func packed(_ source: any ByteSource, _ format: CompressedFormat, _ context: CrashContext) -> [CrashRecord]
    {
        let plain: any DumpScratch = scratch ?? MemoryScratch(limit: Self.packedLimit)
        plain.clear()
        let expander = StreamExpander(format, limits: ExpansionLimits(bytes: 16 << 30, ratio: .max))
        var isDump: Bool?
        var hasRoom = true
        var offset: UInt64 = 0
        while !expander.isOver {
            let piece = source.bytes(at: offset, count: 1 << 17)
            guard !piece.isEmpty else { break }
            offset += UInt64(piece.count)
            piece.withUnsafeBytes { bytes in
                expander.push(bytes) { content in
                    hasRoom = hasRoom && plain.append(content)
                    if isDump == nil, plain.size >= 1 << 16 { isDump = Self.isDump(plain) }
                    if isDump == false { expander.stop("content") }
                    if !hasRoom { expander.stop("room") }
                }
            }
        }
        let isWhole = expander.finish() == .complete && hasRoom
        guard isDump ?? Self.isDump(plain) else { return [] }
        var records = read(plain, depth: 1, context)
        if !isWhole {
            for index in records.indices { records[index].notes.append("the compressed dump was not read to its end") }
        }
        return records
    }

    private static func isDump(_ plain: any ByteSource) -> Bool {
        plain.bytes(at: 0, count: 1 << 16).withUnsafeBytes { Sniffer.kind(of: $0) }.isCrashDump
    }

    /// Reads an Unreal crash upload. All its files describe one crash.
    private func unreal(_ source: any ByteSource, _ context: CrashContext) -> [CrashRecord] {
        guard let container = try? UnrealContainer(source, scratch: scratch) else { return [] }
        var records: [CrashRecord] = []
        for file in container.files {
            for var record in read(file.content, depth: 1, context) {
                record.member = file.name
                records.append(record)
            }
        }
        var merged = CrashMerger.merge(records, sameProcess: true)
        for index in merged.indices {
            if !container.complete { merged[index].notes.append("the upload is cut off") }
        }
        return merged
    }

    private func elfCore(_ source: any ByteSource) -> CrashRecord {
        do throws(CrashError) {
            let core = try ELFCore(source)
            var record = core.record()
            core.unwind(into: &record, symbols: symbols, options: options)
            return record
        } catch {
            return broken("elf_core", error)
        }
    }

    private func minidump(_ source: any ByteSource) -> CrashRecord {
        do throws(CrashError) {
            let file = try MinidumpFile(source)
            var record = file.record()
            file.unwind(into: &record, symbols: symbols, options: options)
            return record
        } catch {
            return broken("minidump", error)
        }
    }

    private func dummy() -> CrashRecord {
        var record = CrashRecord(kind: "minidump")
        record.notes.append("dummy dump: only 0xDEADBEEF; the stack is in CrashContext.runtime-xml and the log")
        return record
    }

    private func broken(_ kind: String, _ error: CrashError) -> CrashRecord {
        var record = CrashRecord(kind: kind)
        record.notes.append("unreadable: " + error.message)
        return record
    }

    /// Fills in the session's metadata, the time if still unknown, the signature and the crash id.
    func complete(_ record: inout CrashRecord, name: String, context: CrashContext) {
        record.session = context.session?.id
        record.image = context.session?.image
        record.tag = context.session?.tag
        record.location = context.session?.location
        record.member = record.member.map { name + "/" + $0 } ?? name
        record.alsoIn = record.alsoIn.map { $0.contains("/") ? $0 : name + "/" + $0 }
        if record.time == nil, let modified = context.modified, Self.dumps.contains(record.detector) {
            record.time = ISO8601.text(modified)
            record.timeSource = "file"
        }
        if record.time == nil, let exited = context.exited {
            record.time = ISO8601.text(exited)
            record.timeSource = "exit"
        }
        SignatureAlgorithm.sign(&record)
        let identity = [
            context.session?.id ?? "", record.member ?? name, record.kind, String(record.memberOffset ?? 0),
            String(record.pid ?? 0),
            String(record.thread ?? 0), record.address?.description ?? "",
        ]
        record.crash = String(Hex.text(SHA256.digest(identity.joined(separator: "\0").utf8)).prefix(16))
    }
}
