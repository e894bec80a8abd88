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
        let symbols = SymbolStore(root: job.symbolRoot, held: held, unread: job.unreadSymbols)
        analyzer = CrashAnalyzer(symbols: held.isEmpty && job.unreadSymbols.isEmpty ? nil : symbols)
    }

    fileprivate func run() throws(IngestError) -> [String?] {
        guard let name = job.name else { return try renewed() }
        guard let source = FileByteSource(descriptor: AnalysisProcess.Slot.source) else {
            throw IngestError(.unreadable, "the file is not a regular one")
        }
        let context = CrashContext(modified: job.modified)
        var records = CrashMerger.merge(analyzer.analyze(source: source, name: name, context: context))
        for index in records.indices { analyzer.renew(&records[index], dump: nil, context: context) }
        if let failure = source.failure {
            // The part that could not be read may contain the crash.
            guard !records.isEmpty else { throw IngestError(.unreadable, failure.message) }
            for index in records.indices { records[index].notes.append("not read completely: " + failure.message) }
        }
        return records.map { String(decoding: $0.json(), as: UTF8.self) }
    }

    private func renewed() throws(IngestError) -> [String?] {
        let pack: PackReader
        do throws(PackError) {
            pack = try PackReader.open(descriptor: AnalysisProcess.Slot.source, tolerant: true)
        } catch {
            throw IngestError(.unreadable, "the dumps cannot be read again: \(error.message)")
        }
        return job.records.map { text in
            guard var record = try? JSONDecoder().decode(CrashRecord.self, from: Data(text.utf8)) else { return nil }
            let before = record
            var context = CrashContext()
            var source: PackByteSource?
            var failure: PackError?
            if let path = record.member, let member = member(path, in: pack) {
                do throws(PackError) { source = PackByteSource(try pack.content(ofMember: member)) } catch {
                    failure = error
                }
                context.modified = pack.members[member].mtime / 1_000_000
            }
            analyzer.renew(&record, dump: source, context: context)
            if let fault = failure ?? source?.failure, fault.isLocalFault {
                // Of a dump that is read in part, less might be known than before.
                record = before
                analyzer.renew(&record, dump: nil, context: context)
                record.noteSymbolsUnread("the dump cannot be read again: \(fault.message)")
            }
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
