internal import Files
internal import Glibc
public import Pack
internal import Synchronization
internal import Threads

/// The filters of all packs, mapped into memory, so that a search opens only packs that may match.
///
/// Missing or damaged records cost time, never results: a pack without a valid record is opened and searched. Several
/// threads may share it.
public final class FilterIndex: Sendable {
    private let days: [FilterDay]
    private let byName: [String: FilterDay]
    /// The current records of the days that were asked for, by the day's name.
    private let tables = Mutex<[String: FilterDayTable]>([:])

    /// The name of the folder in a store.
    static let folder = "filters"
    static let suffix = ".rows"

    /// Maps the files under `filters/`. A file that cannot be read is treated as missing.
    /// - Parameter store: the path of the store's folder.
    public init(store: String) {
        let folder = store + "/" + Self.folder
        days = Self.names(folder).compactMap { FilterDay(folder: folder, file: $0, suffix: Self.suffix) }
        byName = Dictionary(days.map { ($0.name, $0) }) { first, _ in first }
    }

    private static func names(_ folder: String) -> [String] {
        ((try? OpenFolder(path: folder).names()) ?? []).compactMap(\.text).filter { $0.hasSuffix(suffix) }
    }

    /// The name of the file with a pack's record, without its suffix; there is one file per day.
    static func day(of pack: String) -> String {
        let parts = pack.split(separator: "/")
        let isDated = parts.count == 5 && parts[1...3].allSatisfy { $0.utf8.allSatisfy { $0 &- 0x30 <= 9 } }
        return isDated ? parts[1...3].joined(separator: "-") : "other"
    }

    /// Decides which blocks of a pack may match a query; nil without a record for a pack of this size.
    /// - Parameters:
    ///   - pack: the pack's path relative to the store.
    ///   - packBytes: its size in bytes.
    public func answer(pack: String, packBytes: UInt64, to query: ProbeTree) -> FilterAnswer? {
        withExtendedLifetime(self) { row(pack: pack, packBytes: packBytes)?.answer(query) }
    }

    /// The record of a pack for a copy of it in a bucket; nil without a record in the current format for a pack of this size.
    /// - Parameters:
    ///   - pack: the pack's path relative to the store.
    ///   - copy: the copy's path relative to its store.
    ///   - reader: the pack or its copy.
    public func placedRecord(of pack: String, copiedTo copy: String, _ reader: PackReader) -> [UInt8]? {
        withExtendedLifetime(self) {
            guard let row = row(pack: pack, packBytes: reader.fileSize), row.isCurrent else { return nil }
            return row.located(PackPlaces(reader), at: copy)
        }
    }

    /// The record of a pack, if it is for a pack of this size; valid while the index exists.
    private func row(pack: String, packBytes: UInt64) -> FilterRow? {
        let name = Self.day(of: pack)
        guard packBytes > 0, let day = byName[name] else { return nil }
        let table = table(of: day)
        var pack = pack
        return pack.withUTF8 { bytes in
            let wanted = UnsafeRawBufferPointer(bytes)
            guard let place = table.place(of: FilterDay.key(wanted)), place.packBytes == packBytes,
                let row = day.row(place), row.path.elementsEqual(wanted)
            else { return nil }
            return row
        }
    }

    private func table(of day: FilterDay) -> FilterDayTable {
        tables.withLock { tables in
            if let known = tables[day.name] { return known }
            var table = FilterDayTable()
            day.forEachRow { _, place in _ = table.take(place) }
            tables[day.name] = table
            return table
        }
    }

    /// The result of a query over all records.
    public struct Survey: Sendable {
        /// Packs with at least one block that may match, by path, each with its size in bytes and a flag for every block;
        /// without flags when the pack itself must be queried.
        public var candidates: [(pack: String, bytes: UInt64, flags: [Bool]?)] = []
        /// Number of packs that have a record.
        public var packs = 0
        /// Sum of the sizes of those packs, in bytes.
        public var packBytes: UInt64 = 0

        mutating func add(_ other: Survey) {
            candidates += other.candidates
            packs += other.packs
            packBytes += other.packBytes
        }
    }

    /// Queries every record on all cores: reading the filters is bound by memory bandwidth.
    /// - Parameters:
    ///   - query: the query; nil to count packs only.
    ///   - work: run at the same time, on its own thread.
    public func survey(_ query: ProbeTree?, meanwhile work: (@Sendable () -> Void)? = nil) -> Survey {
        let group = ThreadGroup()
        let mustWork = work.map { !group.start($0) } ?? false
        let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        // A small index is read faster than a thread starts.
        let total = days.reduce(0) { $0 + $1.size }
        let workers = min(cores, days.count, 16, total >> 22 + 1)
        let shared = SurveyWork(days)
        for _ in 1..<max(workers, 1) { group.start { shared.work(query) } }
        shared.work(query)
        if mustWork { work?() }
        group.join()
        var survey = shared.survey
        survey.candidates.sort { $0.pack < $1.pack }
        return survey
    }

    private final class SurveyWork: Sendable {
        private struct State {
            var waiting: [FilterDay]
            var survey = Survey()
        }

        private let state: Mutex<State>

        /// Largest files first, so that none is left for last.
        init(_ days: [FilterDay]) { state = Mutex(State(waiting: days.sorted { $0.size < $1.size })) }

        /// What was found so far.
        var survey: Survey { state.withLock { $0.survey } }

        func work(_ query: ProbeTree?) {
            while let day = state.withLock({ $0.waiting.popLast() }) {
                let found = FilterIndex.survey(day, query)
                state.withLock { $0.survey.add(found) }
            }
        }
    }

    private static func survey(_ day: FilterDay, _ query: ProbeTree?) -> Survey {
        var table = FilterDayTable()
        var found: [(index: Int, pack: String, flags: [Bool]?)] = []
        var replaced: Set<Int> = []
        day.forEachRow { row, place in
            if place.packBytes > 0, let query {
                switch row.answer(query) {
                case .noBlock: break
                case .blocks(let flags): found.append((table.places.count, row.pathText, flags))
                case .askPack: found.append((table.places.count, row.pathText, nil))
                }
            }
            if let old = table.take(place) { replaced.insert(old) }
        }
        var survey = Survey()
        for place in table.places where place.packBytes > 0 {
            survey.packs += 1
            survey.packBytes += place.packBytes
        }
        for entry in found where !replaced.contains(entry.index) {
            survey.candidates.append((entry.pack, table.places[entry.index].packBytes, entry.flags))
        }
        return survey
    }

    /// The number of packs that have a record; reads all of them.
    public var packs: Int { survey(nil).packs }
}
