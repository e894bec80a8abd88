import CrashAnalysis
import FoundationEssentials
import Glibc
import Model
import Pack

extension AnalysisJob: ReaderJob {
    static var command: String { AnalysisProcess.command }

    static func prepare() { _ = TextCrashScanner.shared }

    func confine() throws(IngestError) -> [String] { try Confinement.enter(limits, dataBytes: 1 << 30) }

    func run(barriers: [String]) throws(IngestError) -> AnalysisAnswer {
        var answer = AnalysisAnswer()
        answer.barriers = barriers
        answer.records = try AnalysisWorker(self).run()
        return answer
    }
}

/// The child's side of an analysis: reads its files and returns the crash records.
public struct AnalysisWorker {
    /// Runs the job from the descriptors in ``IngestProcess`` and returns the process's exit code.
    public static func main() -> Int32 { AnalysisJob.main() }

    private let job: AnalysisJob
    private let analyzer: CrashAnalyzer

    fileprivate init(_ job: AnalysisJob) {
        self.job = job
        var held: [String: Int32] = [:]
        for (index, path) in job.symbols.enumerated() {
            held[path] = AnalysisProcess.Slot.firstSymbol + Int32(clamping: index)
        }
        analyzer = CrashAnalyzer(symbols: held.isEmpty ? nil : SymbolStore(root: job.symbolRoot, held: held))
    }

    fileprivate func run() throws(IngestError) -> [String?] {
        guard let name = job.name else { return renewed() }
        guard let file = FileByteSource(descriptor: AnalysisProcess.Slot.source) else { return [] }
        let source = NotedSource(file)
        let context = CrashContext(modified: job.modified)
        var records = CrashMerger.merge(analyzer.analyze(source: source, name: name, context: context))
        for index in records.indices { analyzer.renew(&records[index], dump: nil, context: context) }
        if let failure = source.failure {
            // The part that could not be read may contain the crash.
            guard !records.isEmpty else { throw failure }
            for index in records.indices { records[index].notes.append("not read completely: " + failure.message) }
        }
        return records.map { String(decoding: $0.json(), as: UTF8.self) }
    }

    private func renewed() -> [String?] {
        guard let pack = try? PackReader.open(descriptor: AnalysisProcess.Slot.source, tolerant: true) else {
            return []
        }
        return job.records.map { text in
            guard var record = try? JSONDecoder().decode(CrashRecord.self, from: Data(text.utf8)) else { return nil }
            let before = record
            var context = CrashContext()
            var source: PackByteSource?
            if let path = record.member, let member = member(path, in: pack) {
                source = (try? pack.content(ofMember: member)).map { PackByteSource($0) }
                context.modified = pack.members[member].mtime / 1_000_000
            }
            analyzer.renew(&record, dump: source, context: context)
            // Keep the time of the first analysis, which also knew when the session ended.
            record.time = before.time ?? record.time
            record.timeSource = before.time == nil ? record.timeSource : before.timeSource
            return String(decoding: record.json(), as: UTF8.self)
        }
    }

    /// Returns the member with this path, or the crash dump that contains it.
    private func member(_ path: String, in pack: PackReader) -> Int? {
        let wanted = Array(path.utf8)
        if let exact = pack.members(path: wanted).last { return exact }
        return pack.members.indices.last {
            let member = pack.members[$0]
            return member.kind == .crashDump && wanted.starts(with: member.path + [UInt8(ascii: "/")])
        }
    }
}

/// A file that records failed reads, which its reader takes for the end. Used by one thread at a time.
private final class NotedSource: ByteSource, @unchecked Sendable {
    private let file: FileByteSource
    private(set) var failure: IngestError?

    init(_ file: FileByteSource) { self.file = file }

    var size: UInt64 { file.size }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            return try file.read(at: offset, into: buffer)
        } catch {
            failure = failure ?? IngestError(.unreadable, "cannot read the file: \(error)")
            throw error
        }
    }
}
