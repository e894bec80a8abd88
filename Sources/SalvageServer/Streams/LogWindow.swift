import Catalog
import Live
import LogSearch
import LogTime
import Model
import Pack
import Printers
import Store
import Text

/// A part of a session's log, as `salvage logs` prints it.
struct LogWindow: Sendable {
    /// Only lines around this crash: its id, a prefix of it, or `last`.
    var around: String?
    /// The span before the crash, in milliseconds.
    var before: Int64 = 30_000
    /// The span after the crash, in milliseconds.
    var after: Int64 = 30_000
    /// Only lines since this time.
    var since: Int64?
    /// Only lines before this time.
    var until: Int64?
    /// Globs of paths; empty for the session's log.
    var paths: [String] = []
    /// The greatest number of lines of a member; nil for all.
    var limit: Int?

    /// Writes the lines.
    ///
    /// - Returns: the output, and what could not be read.
    func write<Output: SearchOutput>(
        _ record: SessionRecord, in store: Store, into output: Output, isCancelled: @escaping @Sendable () -> Bool
    ) throws -> (output: Output, problems: [String]) {
        let place = try around.map { try store.place(ofCrash: $0, in: record) }
        switch try store.log(of: record) {
        case .packed(let pack):
            let members = try chosen(pack)
            guard !members.isEmpty else {
                throw StoreError(
                    .noLogs, "the session has no log\(paths.isEmpty ? "" : " that matches 'path'")",
                    session: record.session, kind: .notFound)
            }
            let source = PackSource(pack.reader, label: SourceLabel(record), usesFilters: false, members: members)
            if let place, let offset = place.offset, Self.needsBytes(place, source.members),
                let (member, _) = pack.member(of: place)
            {
                let content = try pack.reader.content(ofMember: member)
                return try excerpt(offset, pack.reader.members[member].size, output) {
                    try content.read(at: $0, into: $1)
                }
            }
            return try lines(of: .pack(source), place, output, isCancelled)
        case .followed(_, let logs):
            let source = LiveSource(logs, label: SourceLabel(record))
            if let place, let offset = place.offset, Self.needsBytes(place, source.members), let log = logs.last {
                return try excerpt(offset, log.size, output) { try log.read(at: $0, into: $1) }
            }
            return try lines(of: .live(source), place, output, isCancelled)
        }
    }

    private func lines<Output: SearchOutput>(
        of source: StoreSource, _ place: CrashPlace?, _ output: Output, _ isCancelled: @escaping @Sendable () -> Bool
    ) throws -> (output: Output, problems: [String]) {
        var search = SearchOptions()
        search.asText = true
        search.limit = limit
        search.workers = 2
        search.window = try window(place)
        search.strictTime = place != nil && source.members.contains { $0.timeFormat != .none }
        var form = PrintOptions()
        form.lineNumbers = false
        form.showName = source.members.count > 1
        form.heading = form.showName
        var rest: StoreSource? = source
        let (report, written) = try PrintedSearch(search, form).run(
            try SearchPattern(PatternOptions([""])), into: output,
            nextSource: {
                defer { rest = nil }
                return isCancelled() ? nil : rest
            })
        return (written, report.problems)
    }

    private func excerpt<Output: SearchOutput>(
        _ offset: UInt64, _ size: UInt64, _ output: Output,
        read: (UInt64, UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> (output: Output, problems: [String]) {
        var output = output
        for line in try LogExcerpt.lines(around: offset, size: size, read: read) {
            guard (Array(line) + [0x0A]).withUnsafeBytes({ output.write($0) }) else { break }
        }
        _ = output.flush()
        return (output, [])
    }

    private func window(_ place: CrashPlace?) throws -> ClosedRange<Int64>? {
        var low = since ?? .min
        var high = until.map { $0 == .min ? .min : $0 - 1 } ?? .max
        if let place {
            guard let time = place.time else {
                throw StoreError(
                    .noLogs, "neither the time of the crash nor its place in the log is known",
                    hint: "leave 'around' out", kind: .notFound)
            }
            let (start, under) = time.subtractingReportingOverflow(before)
            let (end, over) = time.addingReportingOverflow(after)
            low = max(low, under ? .min : start)
            high = min(high, over ? .max : end)
        }
        if low == .min, high == .max { return nil }
        // An empty window is one that no line is in.
        return low <= high ? low...high : Int64.min...Int64.min
    }

    /// Whether the lines around a crash can only be found by their place, because the logs have no times.
    private static func needsBytes(_ place: CrashPlace, _ members: [SearchMember]) -> Bool {
        place.time == nil || members.allSatisfy { $0.timeFormat == .none }
    }

    private func chosen(_ pack: SessionPack) throws -> [Int] {
        guard !paths.isEmpty else { return try pack.logMembers() }
        let globs = paths.map { MemberGlob(MemberPath($0)) }
        return pack.reader.members.indices.filter { index in
            pack.isText(index) && globs.contains { $0.matches(pack.reader.members[index].path) }
        }
    }
}
