import CShims
import CrashAnalysis
import Foundation
import Glibc
import Pack
import Unpack

/// The child's side: reads the job, confines itself, turns the spool into a pack, answers.
public struct IngestWorker {
    /// Runs the job found on the agreed descriptors and returns the process's exit code.
    public static func main() -> Int32 {
        _ = salvage_die_with_parent()
        signal(SIGPIPE, SIG_IGN)
        var answer = IngestAnswer()
        do {
            let job = try JSONDecoder().decode(IngestJob.self, from: MemoryFile.read(IngestProcess.Slot.job))
            _ = ContentHash.sha256([])
            // What is initialised lazily by opening files must be so before no file can be opened any more.
            _ = TextCrashScanner.shared
            answer.barriers = Confinement.enter(job.limits)
            try IngestWorker(job: job).run(&answer)
        } catch let error as PackError {
            answer.errorCode =
                error.code == .noSpace ? IngestError.Code.noSpace.rawValue : IngestError.Code.packFailed.rawValue
            answer.error = error.description
        } catch let error as IngestError {
            answer.errorCode = error.code.rawValue
            answer.error = error.message
        } catch {
            answer.errorCode = IngestError.Code.protocolMismatch.rawValue
            answer.error = "the ingest child does not understand its job: \(error)"
        }
        guard let reply = try? JSONEncoder().encode(answer) else { return 2 }
        let written = reply.withUnsafeBytes { pwrite(IngestProcess.Slot.answer, $0.baseAddress, $0.count, 0) }
        return written == reply.count && answer.errorCode == nil ? 0 : 1
    }

    private let job: IngestJob

    private func run(_ answer: inout IngestAnswer) throws {
        let options = job.workers > 0 ? PackOptions(workers: job.workers) : PackOptions()
        let start = job.session.created ?? job.session.exited ?? 0
        let writer = try PackWriter(
            descriptor: IngestProcess.Slot.pack, options: options, inspector: LogInspector(sessionStart: start))
        defer { writer.abort() }
        var artifacts = job.artifacts
        var dumps: [MemberSink.Dump] = []
        for (index, input) in job.inputs.enumerated() {
            let descriptor = IngestProcess.Slot.firstInput + Int32(index)
            var sink = MemberSink(writer: writer, artifact: input.artifact)
            let verdict = try read(input, from: descriptor, into: &sink)
            dumps += sink.dumps
            if artifacts.indices.contains(input.artifact) {
                let isFirst = !answer.verdicts.contains { $0.artifact == input.artifact }
                judge(&artifacts[input.artifact], verdict, isFirst: isFirst)
            }
            answer.verdicts.append(verdict)
        }
        let pass = CrashPass(job: job, writer: writer)
        var records = try pass.run(dumps: dumps)
        if job.hasPrevious, let previous = try? PackReader.open(descriptor: IngestProcess.Slot.previous, tolerant: true)
        {
            let generation = Generation(writer: writer, verdicts: answer.verdicts)
            records = try generation.keep(previous: previous, artifacts: &artifacts, records: records)
        }
        for record in records { writer.addCrash(json: record) }
        let summary = try writer.finish(session: job.session, artifacts: artifacts)
        answer.crashes = records.count
        answer.members = summary.members.count
    }

    private func read(_ input: IngestJob.Input, from descriptor: Int32, into sink: inout MemberSink) throws
        -> ArtifactVerdict
    {
        if input.form == .file { return try keepAsFile(input, descriptor, &sink) }
        let unpacker = Unpacker(limits: job.limits.forUnpacker)
        lseek(descriptor, 0, SEEK_SET)
        let report = try unpacker.unpack(descriptor: descriptor, into: &sink)
        if report.verdict == .notAnArchive, input.form == .either { return try keepAsFile(input, descriptor, &sink) }
        var verdict = ArtifactVerdict(
            artifact: input.artifact, verdict: report.verdict.rawValue, flags: report.flags.names,
            entries: report.entries, bytes: report.bytes &+ report.holeBytes)
        verdict.firstError = report.firstError.map {
            "\($0.message) (at byte \($0.offset) of the \($0.layer.rawValue) stream)"
        }
        if report.verdict == .notAnArchive { verdict.head = Self.printable(report.head.prefix(200)) }
        return verdict
    }

    /// One file becomes one member, whatever is in it.
    private func keepAsFile(_ input: IngestJob.Input, _ descriptor: Int32, _ sink: inout MemberSink) throws
        -> ArtifactVerdict
    {
        var total: UInt64 = 0
        sink.beginFile(path: input.name, modified: input.modified)
        var buffer = [UInt8](repeating: 0, count: 256 * 1024)
        var failure: String?
        while true {
            let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(total)) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { failure = "read failed at byte \(total): \(reason())" }
            guard count > 0 else { break }
            try buffer.withUnsafeBytes { try sink.data(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: total) }
            total += UInt64(count)
        }
        try sink.endFile(isWhole: failure == nil)
        return ArtifactVerdict(
            artifact: input.artifact, verdict: failure == nil ? "ok" : "incomplete", flags: input.flags ?? [],
            entries: 1,
            bytes: total,
            firstError: failure)
    }

    /// What the verdict on a download means for the ledger.
    private func judge(_ entry: inout ArtifactEntry, _ verdict: ArtifactVerdict, isFirst: Bool) {
        // Of several downloads the best comes first; a worse one adds members but takes nothing away.
        guard isFirst || entry.state != .collected else { return }
        entry.verdict = verdict.verdict
        entry.flags = verdict.flags
        switch verdict.verdict {
        case Verdict.ok.rawValue:
            entry.state = .collected
            entry.reason = nil
        case Verdict.notAnArchive.rawValue:
            entry.state = .failed
            let head = verdict.head.map { $0.isEmpty ? "; it is empty" : "; it begins with: \($0)" } ?? ""
            entry.reason = "the download is not an archive\(head)"
        default:
            entry.state = verdict.entries > 0 ? .incomplete : .failed
            let why = verdict.firstError ?? (verdict.flags.isEmpty ? "" : verdict.flags.joined(separator: ", "))
            entry.reason =
                "the archive is \(verdict.verdict)\(why.isEmpty ? "" : ": \(why)"); \(verdict.entries) entries kept"
        }
    }

    /// ASCII as it is, everything else as a dot: enough to recognise an error page.
    static func printable(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
    }
}

extension IngestLimits {
    /// The unpacker's limits, with its own defaults where nothing was configured.
    var forUnpacker: UnpackLimits {
        var limits = UnpackLimits()
        if let headerBytes { limits.headerBytes = headerBytes }
        if let entries { limits.entries = entries }
        if let entryBytes { limits.entryBytes = entryBytes }
        if let totalBytes { limits.totalBytes = totalBytes }
        if let sparseExtents { limits.extents = sparseExtents }
        return limits
    }
}
