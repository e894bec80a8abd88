import BlockIndex
import CProcess
import CrashAnalysis
import FoundationEssentials
import Glibc
import Model
import Pack
import Text
import Unpack

/// The child's side of an ingest: reads the job, confines itself, turns downloads into a pack and writes its answer.
public struct IngestWorker {
    /// Runs the job from the descriptors in ``IngestProcess`` and returns the process's exit code.
    public static func main() -> Int32 {
        _ = salvage_die_with_parent()
        salvage_return_large_pieces()
        signal(SIGPIPE, SIG_IGN)
        // Treat SIGXFSZ as a write error (EFBIG) instead of being killed.
        signal(SIGXFSZ, SIG_IGN)
        var answer = IngestAnswer()
        do {
            let job = try JSONDecoder().decode(IngestJob.self, from: MemoryFile.read(IngestProcess.Slot.job))
            // Initialise everything that opens files lazily, before confinement forbids opening files.
            _ = TextCrashScanner.shared
            loadConversions()
            // The number of cores is read from a file, too.
            var options = job.workers > 0 ? PackOptions(workers: job.workers) : PackOptions()
            options.filtersAside = job.path != nil
            let redactor = job.redactions.isEmpty ? nil : try Redactor(job.redactions)
            let meter = job.measuresMemory ? open("/proc/self/status", O_RDONLY | O_CLOEXEC) : -1
            answer.barriers = try Confinement.enter(job)
            if job.isProbe {
                answer.probes = ConfinementProbe.run(job)
            } else {
                try IngestWorker(job: job, options: options, redactor: redactor).run(&answer)
            }
            answer.peakBytes = Self.peak(meter)
        } catch let error as PackError {
            answer.errorCode = Self.code(of: error).rawValue
            answer.error = error.description
        } catch let error as IngestError {
            answer.errorCode = error.code.rawValue
            answer.error = error.message
            answer.missing = error.missing
        } catch {
            answer.errorCode = IngestError.Code.protocolMismatch.rawValue
            answer.error = "the confined process does not understand its job: \(error)"
        }
        guard let reply = try? JSONEncoder().encode(answer) else { return 2 }
        return MemoryFile.write(reply, to: IngestProcess.Slot.answer) && answer.errorCode == nil ? 0 : 1
    }

    /// Maps an error of the pack writer to a code.
    private static func code(of error: PackError) -> IngestError.Code {
        switch error.code {
        case .noSpace: .noSpace
        case .tooLarge: .unpackable
        default: .packFailed
        }
    }

    /// Returns the peak memory of this process in bytes, from `/proc/self/status`; nil when that is not open.
    private static func peak(_ status: Int32) -> UInt64? {
        guard status >= 0 else { return nil }
        let text = String(decoding: MemoryFile.read(status), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(separator: " ").dropFirst().compactMap { UInt64($0.filter(\.isNumber)) }.first.map {
            $0 << 10
        }
    }

    /// Makes the C library load its character sets, which libarchive needs to convert names.
    static func loadConversions() {
        guard let conversion = iconv_open("UTF-8", "ANSI_X3.4-1968"), conversion != iconv_t(bitPattern: -1) else {
            return
        }
        iconv_close(conversion)
    }

    private let job: IngestJob
    private let options: PackOptions
    private let redactor: Redactor?

    private func run(_ answer: inout IngestAnswer) throws {
        let start = job.session.created ?? job.session.exited ?? 0
        let inspector = LogEnd(LogInspector(sessionStart: start), now: job.session.firstSeenExited ?? .max)
        let writer = try PackWriter(
            descriptor: IngestProcess.Slot.pack, options: options, inspector: inspector,
            tables: job.hasTables ? IngestProcess.Slot.tables : nil)
        defer { writer.abort() }
        let scratch =
            job.hasScratch
            ? ScratchFile(descriptor: IngestProcess.Slot.scratch, limit: job.limits.unpack.entrySize) : nil
        let expansion = ExpansionPass(writer: writer, redactor: redactor, scratch: scratch, limits: job.limits)
        let pass = CrashPass(job: job, writer: writer, scratch: scratch)
        var artifacts = job.artifacts
        var dumps: [MemberWriter.Dump] = []
        var candidates: [ExpansionPass.Candidate] = []
        for (index, input) in job.inputs.enumerated() {
            let descriptor = IngestProcess.Slot.firstInput + Int32(index)
            redactor?.artifact = UInt32(clamping: input.artifact)
            let isPlatformLog =
                artifacts.indices.contains(input.artifact) && artifacts[input.artifact].artifact == SpooledFile.logs
            var sink = try MemberWriter(
                writer: writer, artifact: input.artifact, expansion: expansion, isPlatformLog: isPlatformLog)
            var verdict = try read(input, from: descriptor, into: &sink)
            verdict.isCut = input.isCut
            dumps += sink.dumps
            candidates += sink.candidates
            if artifacts.indices.contains(input.artifact) {
                let isFirst = !answer.verdicts.contains { $0.artifact == input.artifact }
                artifacts[input.artifact].judge(by: verdict, isFirst: isFirst)
            }
            answer.verdicts.append(verdict)
        }
        var found: [CrashRecord] = []
        for candidate in candidates {
            try expansion.expand(candidate) { found += pass.records(in: $0, of: $1, isWhole: $2) }
        }
        addFlags(of: expansion, to: &artifacts, &answer.verdicts)
        var records = try pass.run(dumps: dumps + expansion.dumps, found: found)
        var facts = job.session
        // For a harvested session, the API gives a better end time than the logs.
        if facts.source == "ingest" { facts.lastLogged = inspector.newest }
        try keepEarlier(writer, &artifacts, &records, &facts, &answer)
        for record in records { writer.addCrash(json: record) }
        // After a disk error, crashes may have been missed for good.
        if let failure = ReadFaults.first { throw failure }
        let summary = try writer.finish(session: facts, artifacts: artifacts)
        answer.crashes = records.count
        answer.members = summary.members
        answer.packBytes = summary.fileSize
        if let path = job.path {
            let record = FilterLog.record(pack: path, packBytes: summary.fileSize, filters: summary.filtersAside)
            try PackFile.write(record, to: IngestProcess.Slot.filters)
        }
    }

    /// Carries over the content of the session's earlier packs. One that cannot be read now ends the ingest. From a
    /// damaged one everything readable is kept, and the answer describes the damage.
    private func keepEarlier(
        _ writer: PackWriter, _ artifacts: inout [ArtifactEntry], _ records: inout [[UInt8]],
        _ facts: inout SessionMetadata, _ answer: inout IngestAnswer
    ) throws {
        for slot in job.previousSlots {
            let previous: PackReader
            do throws(PackError) {
                previous = try PackReader.open(descriptor: slot, tolerant: true)
            } catch {
                guard !error.isLocalFault else { throw error }
                answer.earlier.append(EarlierDamage(problems: [error.description], isCut: true))
                continue
            }
            var merge = PackMerge(writer: writer, verdicts: answer.verdicts)
            try merge.keep(previous: previous, artifacts: &artifacts, records: &records, facts: &facts)
            answer.earlier.append(merge.damage)
        }
        guard job.unreadablePrevious > 0 else { return }
        for index in artifacts.indices { artifacts[index].flag(EarlierDamage.flag) }
    }

    /// Adds the flags of expansion and redaction to the ledger rows and the verdicts.
    private func addFlags(
        of expansion: ExpansionPass, to artifacts: inout [ArtifactEntry], _ verdicts: inout [ArtifactVerdict]
    ) {
        var flags: [Int: [String]] = [:]
        for outcome in expansion.outcomes {
            let index = Int(outcome.artifact)
            if flags[index]?.contains(outcome.flag) != true { flags[index, default: []].append(outcome.flag) }
        }
        if let redactor {
            for index in Set(job.inputs.map(\.artifact)) {
                flags[index, default: []].append("redacted=\(redactor.counts[UInt32(clamping: index)] ?? 0)")
            }
        }
        for (index, more) in flags {
            if artifacts.indices.contains(index) { artifacts[index].flags += more }
            if let first = verdicts.firstIndex(where: { $0.artifact == index }) { verdicts[first].flags += more }
        }
    }

    private func read(_ input: IngestJob.Input, from descriptor: Int32, into sink: inout MemberWriter) throws
        -> ArtifactVerdict
    {
        if input.form == .file { return try keepAsFile(input, descriptor, &sink) }
        let unpacker = Unpacker(limits: job.limits.unpack)
        lseek(descriptor, 0, SEEK_SET)
        let report = try unpacker.unpack(descriptor: descriptor, into: &sink)
        if report.flags.contains(.readError) {
            // A local failure, perhaps a passing one: it must not become a verdict on the download.
            throw IngestError(.unreadable, "cannot read a download: \(report.firstError?.message ?? "read failed")")
        }
        if report.verdict == .notAnArchive, input.form == .either { return try keepAsFile(input, descriptor, &sink) }
        var verdict = ArtifactVerdict(report, artifact: input.artifact)
        if report.verdict == .notAnArchive { verdict.head = Self.printable(redacted(report.head).prefix(200)) }
        return verdict
    }

    /// Returns the redacted first bytes of a download that is not an archive, to quote in the ledger. Omits a line cut
    /// off at the end: half of a secret would match no rule.
    private func redacted(_ head: [UInt8]) -> [UInt8] {
        guard let redactor else { return head }
        var whole = head[...]
        if head.count >= Unpacker.keptHead {
            guard let end = head.lastIndex(of: 0x0a) else { return Array("(a long line, not quoted)".utf8) }
            whole = head[...end]
        }
        let counts = redactor.counts
        defer { redactor.counts = counts }
        var text: [UInt8] = []
        let take = { (bytes: UnsafeRawBufferPointer) in text.append(contentsOf: bytes) }
        whole.withUnsafeBytes { redactor.push($0, take) }
        redactor.finish(take)
        return text
    }

    /// Stores a file as one member, whatever its content.
    private func keepAsFile(_ input: IngestJob.Input, _ descriptor: Int32, _ sink: inout MemberWriter) throws
        -> ArtifactVerdict
    {
        var total: UInt64 = 0
        sink.beginFile(path: input.name, modified: input.modified)
        var buffer = [UInt8](repeating: 0, count: 256 * 1024)
        // The parent watches the file's position to see progress.
        lseek(descriptor, 0, SEEK_SET)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw IngestError(.unreadable, "cannot read a download from byte \(total) on: \(reason())")
            }
            guard count > 0 else { break }
            try buffer.withUnsafeBytes { try sink.data(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: total) }
            total += UInt64(count)
        }
        try sink.endFile(isWhole: true)
        return ArtifactVerdict(
            artifact: input.artifact, verdict: .ok, flags: input.flags ?? [], entries: 1, bytes: total)
    }

    /// Returns printable ASCII as it is and every other byte as a dot: enough to recognise an error page.
    static func printable(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
    }
}

extension ArtifactVerdict {
    /// Makes a verdict from the unpacker's report.
    init(_ report: UnpackReport, artifact: Int) {
        self.init(
            artifact: artifact, verdict: report.verdict, flags: report.flags.names, entries: report.entries,
            bytes: report.bytes &+ report.holeBytes)
        firstError = report.firstError.map { fault in
            "\(fault.message) (at byte \(fault.offset) of the \(fault.layer.rawValue) stream)"
        }
    }
}
