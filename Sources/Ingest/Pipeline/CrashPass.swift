import CrashAnalysis
import Model
import Pack
import Unpack

/// Finds crashes in the members of a pack being written: in whole dumps first, then at the anchors that the compressing
/// threads found in texts.
struct CrashPass {
    /// The maximum number of records of one session; more add no information.
    private static let mostRecords = 1000

    private let job: IngestJob
    private let writer: PackWriter
    private let context: CrashContext

    /// The file into which crash uploads are unpacked; not used by others while the pass runs.
    private let scratch: ScratchFile?

    init(job: IngestJob, writer: PackWriter, scratch: ScratchFile?) {
        self.scratch = scratch
        self.job = job
        self.writer = writer
        context = CrashContext(
            session: job.session.identity, exited: job.session.exited ?? job.session.firstSeenExited)
    }

    /// Returns the crashes in an expanded dump, which is in the scratch file.
    func records(in scratch: ScratchFile, of header: MemberHeader, isWhole: Bool) -> [CrashRecord] {
        var context = context
        context.modified = writtenAt(header.mtime)
        var records = CrashAnalyzer().analyze(source: scratch, name: name(header.path), context: context)
        guard !isWhole else { return records }
        for index in records.indices { records[index].notes.append("the compressed dump was not read to its end") }
        return records
    }

    /// Returns the crash records as JSON, including those in `found`.
    func run(dumps: [MemberWriter.Dump], found: [CrashRecord]) throws -> [[UInt8]] {
        var analyzer = CrashAnalyzer()
        analyzer.scratch = scratch
        var records = Array(found.prefix(Self.mostRecords))
        // A microdump is part of a text; the text's anchors lead to it and to other reports there.
        for dump in dumps where dump.content != .microdump && records.count < Self.mostRecords {
            let bytes = PackByteSource(try writer.readBack(member: dump.member))
            var context = context
            let member = try writer.member(dump.member)
            context.modified = writtenAt(member.mtime)
            records += analyzer.analyze(source: bytes, name: name(member.path), context: context)
        }
        let found = try writer.takeAnchors()
        let byMember = Dictionary(grouping: found.anchors, by: \.member)
        for member in byMember.keys.sorted() where records.count < Self.mostRecords {
            let anchors = (byMember[member] ?? []).map { CrashAnchor(offset: $0.offset, id: $0.id) }.sorted()
            let bytes = PackByteSource(try writer.readBack(member: member))
            let path = name(try writer.member(member).path)
            records += analyzer.analyze(text: bytes, anchors: anchors, name: path, context: context)
        }
        return CrashMerger.merge(Array(records.prefix(Self.mostRecords))).map { $0.json() }
    }

    /// Returns the dump's modification time from its archive, in milliseconds since 1970; nil when implausible, such as
    /// after the session was seen to have ended.
    private func writtenAt(_ modified: Int64) -> Int64? {
        let time = modified / 1_000_000
        guard time > 946_684_800_000, let exited = context.exited else { return nil }
        return time <= exited &+ 60_000 ? time : nil
    }

    private func name(_ path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }
}

/// A member of the pack being written, as the crash readers see it. Used by one thread at a time.
final class PackByteSource: ByteSource, @unchecked Sendable {
    private let content: MemberContent
    /// The first read that failed for a local reason; nil if none did.
    private(set) var failure: PackError?

    init(_ content: MemberContent) { self.content = content }

    var size: UInt64 { content.size }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        do throws(PackError) {
            return try content.read(at: offset, into: buffer)
        } catch {
            if error.code == .io { ReadFaults.note(error.description) }
            if error.isLocalFault { failure = failure ?? error }
            throw error
        }
    }
}
