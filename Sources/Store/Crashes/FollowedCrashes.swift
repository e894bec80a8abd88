import Catalog
import CrashAnalysis
public import Live
import LogSearch
public import Model
import Pack
import Terminal
import Text

// Crashes and errors in the followed logs of sessions without a pack. A record may still change.
extension Store {
    /// The crashes and errors in the followed log of one session; empty when its log is not followed.
    ///
    /// - Throws: `LiveFailure` when the log cannot be read now.
    public func followedCrashes(of session: SessionRecord) throws(LiveFailure) -> [CrashRecord] {
        let folder = LiveStore.folder(path, session: session.session)
        guard session.pack == nil, let log = try LiveSnapshot.newest(folder: folder) else { return [] }
        let anchors = Self.anchors(log)
        guard !anchors.isEmpty else { return [] }
        let records = CrashAnalyzer().analyze(
            text: LiveByteSource(log: log), anchors: anchors, name: LiveSource.path(age: 0),
            context: CrashContext(session: session.identity))
        return CrashMerger.merge(records)
    }

    /// The anchors of sealed blocks were found when the blocks were written; the tail is scanned now.
    private static func anchors(_ log: LiveSnapshot) -> [CrashAnchor] {
        let sealed = log.blocks.flatMap { block in
            block.anchors.map { CrashAnchor(offset: block.rawOffset &+ UInt64($0.offset), id: $0.id) }
        }
        let tail = log.tail.withUnsafeBytes { TextCrashScanner.shared.scan($0) }
        return sealed + tail.map { CrashAnchor(offset: log.sealed &+ $0.offset, id: $0.id) }
    }

    /// The records of the running session with this id; else the record with this id or id prefix.
    ///
    /// - Throws: ``StoreError`` when a prefix matches several records.
    func followedCrashes(named text: String) throws -> [CrashRecord] {
        var found: [CrashRecord] = []
        for session in try LiveStore.sessions(path).map(\.facts.session) {
            guard let record = try catalog().session(session) else { continue }
            let records = try followedCrashes(of: record)
            if session.hasSameBytes(as: text) { return records }
            found += records.filter { $0.crash.hasBytePrefix(text) }
        }
        if let exact = found.first(where: { $0.crash.hasSameBytes(as: text) }) { return [exact] }
        guard found.count > 1 else { return found }
        throw StoreError(
            .ambiguousCrash, "'\(text)' matches \(found.count) crashes of running sessions",
            hint: "use a longer prefix: " + found.prefix(3).map(\.crash).joined(separator: ", "), kind: .invalid)
    }

    /// Calls `body` for each record of the selected sessions that have a followed log and no pack.
    func forEachFollowedCrash(_ selection: Selection, _ body: (CrashRecord) throws -> Void) throws {
        let names = ByteSet(try LiveStore.sessions(path).map(\.facts.session))
        guard !names.isEmpty, !selection.selectsBySignature else { return }
        var running = selection
        running.states = [.running, .pending]
        running.crashed = false
        running.since = nil
        running.limit = nil
        let sessions = try catalog().sessions(running).filter { names.contains($0.session) }
        // A log that cannot be read now must not hide the others.
        var failure: LiveFailure?
        for session in sessions {
            var records: [CrashRecord] = []
            do throws(LiveFailure) { records = try followedCrashes(of: session) } catch { failure = error }
            for record in records where record.isCrash != selection.errors {
                let time = record.time.flatMap { TimeText.parse($0, now: TimeText.now()) }
                if let since = selection.since, let time, time < since { continue }
                if let until = selection.until, let time, time >= until { continue }
                try body(record)
            }
        }
        if let failure { throw failure }
    }
}

/// A followed log as a source for the crash readers.
private struct LiveByteSource: ByteSource {
    let log: LiveSnapshot
    var size: UInt64 { log.size }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try log.read(at: offset, into: buffer)
    }
}
