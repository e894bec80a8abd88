public import CrashAnalysis
import FoundationEssentials
import Glibc
import Model

/// Analyses dumps and reports in confined children, which get the symbol files they need and cannot open others.
public struct AnalysisProcess: Sendable {
    /// The hidden command's name.
    public static let command = "__analyze"

    enum Slot {
        static let source: Int32 = 3
        static let firstSymbol = IngestProcess.Slot.firstInput
    }

    /// The most symbol files passed to a child; those of the crashed thread's stack are first.
    static let mostSymbols = 600

    private let reader: ReaderProcess
    private let limits: IngestLimits

    /// Runs children of `executable`, by default the program itself.
    ///
    /// With `copiesItself`, the reader is a fork of this process while that has a single thread: starting a second
    /// program costs more than most analyses. The fork is confined like any reader and drops its environment, but it
    /// has this process's memory. Do not use it in a process that may hold the API token.
    ///
    /// - Parameter allowMissing: names of barriers that may be missing; see ``Barriers``.
    public init(executable: String = "/proc/self/exe", copiesItself: Bool = false, allowMissing: [String] = []) {
        reader = ReaderProcess(IngestProcess(executable: executable), copiesItself: copiesItself)
        var limits = IngestLimits()
        limits.allowMissing = allowMissing
        limits.unpack.time = 120_000
        // Symbols are mapped, and a large game has gigabytes of them.
        limits.memoryBytes = 16 << 30
        self.limits = limits
    }

    /// Analyses the file behind `descriptor`, which the caller must close.
    ///
    /// A first reading finds the build ids, a second one gets the store's files for them. If that fails, the result is
    /// that of the first, and the records' notes say why.
    ///
    /// - Parameters:
    ///   - descriptor: the file, open for reading.
    ///   - name: the file's name, for the records.
    ///   - modified: the file's modification time, in milliseconds since 1970.
    ///   - symbols: the symbol store; nil to analyse without symbols.
    ///   - origin: has what `symbols` has copies of; nil if `symbols` has all.
    /// - Throws: ``IngestError`` when the child cannot be started, dies or runs out of time.
    public func analyze(
        descriptor: Int32, name: String, modified: Int64? = nil, symbols: SymbolStore?,
        origin: (any SymbolOrigin)? = nil
    ) throws -> AnalysisResult {
        var job = AnalysisJob()
        job.name = name
        job.modified = modified
        let first = try run(job, source: descriptor, symbols: [])
        var records = Self.decode(first.records).compactMap { $0 }
        guard let symbols else { return AnalysisResult(records: records, barriers: first.barriers) }
        let fetched = records.isEmpty ? nil : origin?.fetch(for: records)
        // They stay until the child has read them.
        defer { withExtendedLifetime(fetched) {} }
        if let fetched { for index in records.indices { fetched.note(on: &records[index]) } }
        let files = Self.files(symbols, for: records)
        guard !files.isEmpty else { return AnalysisResult(records: records, barriers: first.barriers) }
        job.symbolRoot = symbols.root
        do {
            let second = try run(job, source: descriptor, symbols: files)
            records = Self.decode(second.records).compactMap { $0 }
            if let fetched { for index in records.indices { fetched.note(on: &records[index]) } }
            return AnalysisResult(records: records, barriers: second.barriers)
        } catch {
            let reason = Self.words(error)
            for index in records.indices { records[index].noteSymbolsUnread(reason) }
            return AnalysisResult(records: records, barriers: first.barriers)
        }
    }

    /// What failed and why, without the file.
    private static func words(_ error: any Error) -> String { (error as? IngestError)?.message ?? "\(error)" }

    /// Records to analyse in one child.
    struct Batch: Equatable {
        /// Their places among all.
        var records: Range<Int>
        /// The symbol files for them, each once.
        var files: [String]
    }

    /// Divides records so that each child gets at most ``mostSymbols`` files. A record that needs more has a child of
    /// its own.
    ///
    /// - Parameter files: the symbol files for each record, the most important first.
    static func batches(_ files: [[String]]) -> [Batch] {
        var batches: [Batch] = []
        var seen: Set<String> = []
        for (index, paths) in files.enumerated() {
            let more = paths.filter { !seen.contains($0) }
            if let last = batches.indices.last, batches[last].files.count + more.count <= mostSymbols {
                batches[last].records = batches[last].records.lowerBound..<(index + 1)
                batches[last].files += more
                seen.formUnion(more)
            } else {
                batches.append(Batch(records: index..<(index + 1), files: paths))
                seen = Set(paths)
            }
        }
        return batches
    }

    /// Analyses crash records of a pack again, with the symbols in the store.
    ///
    /// - Parameters:
    ///   - records: the records in the pack, one of the ``batches(_:)``.
    ///   - files: the symbol files for them.
    ///   - pack: the pack, open for reading.
    ///   - symbols: the symbol store.
    /// - Returns: a record for each; nil when the store has no symbols for any or it could not be read.
    /// - Throws: ``IngestError`` when the child cannot be started, dies or runs out of time.
    func renew(
        _ records: [CrashRecord], files: [String], pack: Int32, symbols: SymbolStore
    ) throws -> [CrashRecord?] {
        guard !files.isEmpty else { return records.map { _ in nil } }
        var job = AnalysisJob()
        job.records = records.map { String(decoding: $0.json(), as: UTF8.self) }
        job.symbolRoot = symbols.root
        let answer = try run(job, source: pack, symbols: files)
        let made = Self.decode(answer.records)
        return records.indices.map { made.indices.contains($0) ? made[$0] : nil }
    }

    private static func files(_ symbols: SymbolStore, for records: [CrashRecord]) -> [String] {
        var seen: Set<String> = []
        return records.flatMap { symbols.files(for: $0) }.filter { seen.insert($0).inserted }
    }

    private static func decode(_ records: [String?]) -> [CrashRecord?] {
        records.map { text in text.flatMap { try? JSONDecoder().decode(CrashRecord.self, from: Data($0.utf8)) } }
    }

    private func run(_ base: AnalysisJob, source: Int32, symbols files: [String]) throws -> AnalysisAnswer {
        var job = base
        job.limits = limits
        let opened = OpenSymbols(files, atMost: Self.mostSymbols)
        // The child gets copies when it is started.
        defer { withExtendedLifetime(opened) {} }
        job.symbols = opened.files.map(\.path)
        job.unreadSymbols = opened.unread
        var passed: [(from: Int32, to: Int32)] = [(source, Slot.source)]
        for (index, file) in opened.files.enumerated() {
            passed.append((file.descriptor, Slot.firstSymbol + Int32(index)))
        }
        return try reader.run(
            job, files: passed, within: limits.unpack.time,
            doing: "the analysis of \(job.name ?? "a session's crashes")")
    }
}
