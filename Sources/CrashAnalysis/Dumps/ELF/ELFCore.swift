import Model

/// An ELF core file, read as far as a summary needs: header, program headers, notes, first pages of modules.
struct ELFCore {
    let header: ELFHeader
    let segments: [ELFSegment]
    let notes: CoreNotes
    let memory: CoreMemory
    let modules: [MappedModule]
    let remarks: [String]

    /// Reads a core; throws `CrashError` when it has no ELF core header.
    init(_ source: any ByteSource) throws(CrashError) {
        guard let header = ELFHeader(source.bytes(at: 0, count: 64)), header.type == 4 else {
            throw CrashError(code: .malformed, message: "not an ELF core")
        }
        var remarks: [String] = []
        let count = Self.programCount(header, source)
        let table = source.bytes(at: header.programOffset, count: count * max(header.programSize, 1))
        var complete = header
        complete.programCount = count
        let segments = complete.segments(table: table)
        if segments.count < count {
            remarks.append("truncated: \(segments.count) of \(count) program headers are present")
        }
        var notes = CoreNotes(header: header)
        for segment in segments.prefix(4096) where segment.type == ELFSegment.note {
            notes.read(source, segment: segment)
        }
        let end = segments.reduce(UInt64(0)) { max($0, $1.offset.addingReportingOverflow($1.fileSize).partialValue) }
        if end > source.size { remarks.append("truncated: \(source.size) of \(end) bytes are present") }
        if header.arch == nil {
            remarks.append("unsupported processor \(header.machineName ?? String(header.machine)): no registers")
        }
        if notes.threadsCut { remarks.append("only the first \(CoreNotes.threadLimit) threads were read") }
        self.header = header
        self.segments = segments
        self.notes = notes
        memory = CoreMemory(source: source, segments: segments)
        modules = CoreModules.find(notes: notes, memory: memory, segments: segments)
        self.remarks = remarks
    }

    /// The number of program headers; above 65,534 it is stored in the first section header (gABI PN_XNUM).
    private static func programCount(_ header: ELFHeader, _ source: any ByteSource) -> Int {
        guard header.programCount == 0xffff else { return header.programCount }
        let section = ByteView(
            bytes: source.bytes(at: header.sectionOffset, count: header.is64 ? 64 : 40), bigEndian: header.bigEndian)
        guard let info = section.u32(header.is64 ? 44 : 28) else { return header.programCount }
        return min(Int(info), ELFHeader.programLimit)
    }

    /// The path of the executable: the mapping around the entry point, else around the program headers, else the name.
    var executable: String? {
        for key in [UInt64(9), 3] {
            guard let address = notes.auxiliary[key] else { continue }
            if let mapping = notes.mappings.first(where: { $0.start <= address && address < $0.end }) {
                return mapping.path
            }
        }
        return notes.name
    }

    /// Returns a record of the core, before unwinding.
    func record() -> CrashRecord {
        var record = CrashRecord(kind: "elf_core")
        takeSignal(into: &record)
        if isSnapshot(record) {
            record.kind = CrashRecord.snapshot
            record.notes.append("no crash: the process kept running after the core was written")
        }
        record.pid = notes.pid
        record.executable = executable
        record.commandLine = notes.arguments
        record.os = notes.system?.rawValue
        record.arch = header.machineName
        record.thread = notes.threads.first?.id
        record.threadCount = notes.threads.count
        record.threads = notes.threads.prefix(CrashAnalyzer.Options.mostThreads).map {
            CrashThread(thread: $0.id, registers: $0.registers?.named ?? [:])
        }
        record.modules = modules.map(\.record)
        record.notes += remarks
        if notes.threads.isEmpty { record.notes.append("no thread could be read") }
        if !modules.isEmpty, modules.allSatisfy({ $0.record.buildID == nil && $0.record.firstPage == nil }) {
            record.notes.append("no build ids: ELF headers were not dumped (coredump_filter) or the core is truncated")
        }
        if let system = notes.system, system != .linux {
            record.notes.append("\(system.rawValue) core: registers and stacks are not read")
        } else if notes.system == nil {
            record.notes.append("core of an unknown system: only the header is read")
        }
        return record
    }

    private func takeSignal(into record: inout CrashRecord) {
        // FreeBSD and NetBSD need not list the crashed thread first.
        let number = notes.signal ?? notes.threads.lazy.map(\.signal).first { $0 > 0 } ?? 0
        guard number > 0 else {
            record.notes.append("the core records no signal")
            return
        }
        let name = notes.numbering.name(number)
        record.signal = name ?? "signal \(number)"
        // The code tables use Linux signal numbers.
        guard let code = notes.code, let usual = name.flatMap(SignalNames.number) else { return }
        record.exception = SignalNames.code(code, of: usual)
        if notes.system == .linux, SignalNames.hasAddress(usual, code: code) {
            record.address = notes.address.map(Address.init)
        }
    }

    /// True for a core that a debugger or dumper made of a healthy process: the kernel writes none without a signal,
    /// nor for a signal that only stops or ends the process.
    private func isSnapshot(_ record: CrashRecord) -> Bool {
        guard notes.system != nil, !notes.threads.isEmpty else { return false }
        guard let signal = record.signal else { return remarks.isEmpty }
        if signal == "SIGTRAP" {
            // A single step, a watchpoint or the debugger's own stop, not the program's breakpoint instruction.
            guard let code = notes.code else { return false }
            return code > 0xff || notes.isOfDebugger && [0, 2, 4].contains(code)
        }
        return signal.hasPrefix("SIG") && !SignalNames.fatal.contains(signal)
    }
}
