/// Reads a member and tells the crashes in it.
public struct CrashAnalyzer: Sendable {
    /// How deep to look.
    public struct Options: Sendable {
        /// Unwind every thread, not only the crashing one.
        public var allThreads = true
        /// Name file, line and inlined calls from DWARF.
        public var sourceLines = true
        /// At most this many threads are unwound.
        public var threadLimit = 512

        /// Everything that is cheap.
        public init() {}
    }

    let symbols: SymbolStore?
    /// How deep to look.
    public var options: Options

    /// `symbols` names functions where it holds the module's build id; without it only what dumps hold is used.
    public init(symbols: SymbolStore? = nil, options: Options = Options()) {
        self.symbols = symbols
        self.options = options
    }

    /// The crashes and errors in a member; empty when there is none.
    ///
    /// Never throws: broken dumps give a record that says what is broken. No path named in the bytes is opened.
    public func analyze(source: any ByteSource, name: String, context: CrashContext = CrashContext()) -> [CrashRecord] {
        let head = source.bytes(at: 0, count: 65536)
        let kind = head.withUnsafeBytes { ContentKind.detect(head: $0, name: name) }
        var records: [CrashRecord]
        switch kind {
        case .elfCore: records = [elfCore(source)]
        case .minidump: records = [minidump(source)]
        case .dummyDump: records = [dummy()]
        case .text:
            let text = TextAnalyzer(source: source)
            records = text.records(text.anchors())
        default: records = []
        }
        for index in records.indices { complete(&records[index], name: name, context: context) }
        return records
    }

    /// The same for text whose anchors are known from an earlier scan of its blocks; offsets count from the member's
    /// beginning and must ascend.
    public func analyze(
        text source: any ByteSource, anchors: [CrashAnchor], name: String, context: CrashContext = CrashContext()
    ) -> [CrashRecord] {
        var records = TextAnalyzer(source: source).records(anchors)
        for index in records.indices { complete(&records[index], name: name, context: context) }
        return records
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
            return file.record()
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

    /// Fills in the session's facts, the keys and the identity.
    func complete(_ record: inout CrashRecord, name: String, context: CrashContext) {
        record.session = context.session
        record.image = context.image
        record.tag = context.tag
        record.location = context.location
        record.member = name
        if record.time == nil, let exited = context.exited {
            record.time = Timestamp.text(milliseconds: exited)
            record.timeSource = "exit"
        }
        SignatureAlgorithm.sign(&record)
        let identity = [
            context.session ?? "", name, record.kind, String(record.memberOffset ?? 0), String(record.pid ?? 0),
            String(record.thread ?? 0), record.address?.description ?? "",
        ]
        record.crash = String(Digest.sha256(Array(identity.joined(separator: "\0").utf8)).prefix(16))
    }
}
