/// Makes one crash of what several members of a session tell of it: the dump, the engine's XML, the log, the shell.
public enum CrashMerger {
    /// How much a record tells; the best one leads.
    private static func rank(_ record: CrashRecord) -> Int {
        let named = record.frames.contains { $0.function != nil && $0.trust != .scan }
        let base: Int
        switch record.detector {
        case "elf_core", "minidump", "microdump": base = record.frames.isEmpty ? 20 : 60
        case "shell", "source": base = 0
        case "glibc", "cxx", "assert": base = 10
        default: base = record.frames.isEmpty ? 15 : 50
        }
        return base + (named ? 30 : 0)
    }

    /// The crashes of one session, each once; errors that were survived stay as they are. `sameProcess` says that all
    /// records are known to tell of one process, as those of one upload are.
    public static func merge(_ records: [CrashRecord], sameProcess: Bool = false) -> [CrashRecord] {
        var crashes: [CrashRecord] = []
        var rest: [CrashRecord] = []
        for record in records.sorted(by: { rank($0) > rank($1) }) {
            guard record.isCrash else {
                rest.append(record)
                continue
            }
            if let index = crashes.firstIndex(where: { sameProcess || isSame($0, record) }) {
                absorb(record, into: &crashes[index])
            } else {
                crashes.append(record)
            }
        }
        return crashes + rest
    }

    private static func isSame(_ first: CrashRecord, _ second: CrashRecord) -> Bool {
        if let left = first.session, let right = second.session, left != right { return false }
        if let left = first.pid, let right = second.pid { return left == right }
        if first.member == second.member {
            // One log may tell of several runs; the words of one death stand close together.
            let left = first.memberOffset ?? 0
            let right = second.memberOffset ?? 0
            guard max(left, right) - min(left, right) < 1 << 16 else { return false }
            if first.detector == second.detector, first.detector != "unreal" { return false }
        }
        // Two dumps are two processes unless they name the same one.
        let dumps: Set<String> = ["elf_core", "minidump", "microdump"]
        if dumps.contains(first.detector), dumps.contains(second.detector) { return false }
        // An exception that ends an interpreter leaves no dump: beside one it is another story.
        let interpreted: Set<String> = ["python", "java", "node", "ruby"]
        if dumps.contains(first.detector) != dumps.contains(second.detector),
            interpreted.contains(first.detector) || interpreted.contains(second.detector)
        {
            return false
        }
        if let left = signal(first), let right = signal(second), left != right { return false }
        if let left = first.address, let right = second.address, left != right { return false }
        return true
    }

    /// The signal a record stands for: panics and uncaught exceptions end in an abort.
    private static func signal(_ record: CrashRecord) -> String? {
        record.signal ?? (record.detector == "asan" ? "SIGABRT" : nil)
    }

    /// A record made again from its dump, with what other members told of the same crash before.
    static func renewed(_ fresh: CrashRecord, from earlier: CrashRecord) -> CrashRecord {
        var record = fresh
        absorb(earlier, into: &record)
        record.cause = earlier.cause
        return record
    }

    private static func absorb(_ other: CrashRecord, into record: inout CrashRecord) {
        if record.cause == nil, record.detector != other.detector, CrashAnalyzer.dumps.contains(record.detector),
            SignatureAlgorithm.explains(other)
        {
            record.cause = other.ownWords
        }
        record.message = record.message ?? other.message
        record.exception = record.exception ?? other.exception
        record.signal = record.signal ?? other.signal
        record.address = record.address ?? other.address
        record.access = record.access ?? other.access
        record.pid = record.pid ?? other.pid
        record.executable = record.executable ?? other.executable
        record.commandLine = record.commandLine ?? other.commandLine
        record.threadName = record.threadName ?? other.threadName
        if record.timeSource != "dump", other.timeSource == "dump" {
            record.time = other.time
            record.timeSource = other.timeSource
        }
        if record.frames.isEmpty { record.frames = other.frames }
        if record.modules.isEmpty { record.modules = other.modules }
        if record.threads.isEmpty { record.threads = other.threads }
        for note in other.notes where !record.notes.contains(note) && !note.hasPrefix("only the shell") {
            record.notes.append(note)
        }
        for member in [other.member].compactMap({ $0 }) + other.alsoIn
        where member != record.member && !record.alsoIn.contains(member) {
            record.alsoIn.append(member)
        }
        SignatureAlgorithm.sign(&record)
    }
}
