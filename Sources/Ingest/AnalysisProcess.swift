public import CrashAnalysis
import Foundation
import Glibc

/// Reads dumps and reports in confined children that hold the symbol files they need and can open nothing else.
public struct AnalysisProcess: Sendable {
    /// The hidden command's name.
    public static let command = "__analyze"

    enum Slot {
        static let source: Int32 = 3
        static let firstSymbol = IngestProcess.Slot.firstInput
    }

    /// More symbol files than this are not passed; those of the crashed thread's stack come first.
    static let mostSymbols = 600

    private let reader: ReaderProcess
    private let limits: IngestLimits

    /// Runs children of `executable`, by default the program itself.
    ///
    /// With `copiesItself` the reader is a copy of this process as long as that has a single thread: a second program's
    /// start costs more than most analyses. It gives up the same as any reader, and its environment besides, but has
    /// what this process read: not for one that may hold the API's token elsewhere.
    ///
    /// - Parameter allowMissing: names of barriers without which the child reads all the same; see ``Barriers``.
    public init(executable: String = "/proc/self/exe", copiesItself: Bool = false, allowMissing: [String] = []) {
        reader = ReaderProcess(IngestProcess(executable: executable), copiesItself: copiesItself)
        var limits = IngestLimits()
        limits.allowMissing = allowMissing
        limits.milliseconds = 120_000
        // Symbols are mapped, and a large game has gigabytes of them.
        limits.memoryBytes = 16 << 30
        self.limits = limits
    }

    /// The crashes in the file behind `descriptor`, which stays the caller's.
    ///
    /// A first reading tells which build ids matter, a second one has the store's files for them.
    ///
    /// - Parameters:
    ///   - name: the file's name, for the records.
    ///   - modified: when the file was last changed, in milliseconds since 1970.
    /// - Throws: ``IngestError`` when the child cannot be started, dies or runs out of time.
    public func analyze(
        descriptor: Int32, name: String, modified: Int64? = nil, symbols: SymbolStore?
    ) throws -> AnalysisResult {
        var job = AnalysisJob()
        job.name = name
        job.modified = modified
        let first = try run(job, source: descriptor, symbols: [])
        var records = Self.decode(first.records).compactMap { $0 }
        guard let symbols else { return AnalysisResult(records: records, barriers: first.barriers) }
        let files = Self.files(symbols, for: records)
        guard !files.isEmpty else { return AnalysisResult(records: records, barriers: first.barriers) }
        job.symbolRoot = symbols.root
        let second = try run(job, source: descriptor, symbols: files)
        records = Self.decode(second.records).compactMap { $0 }
        return AnalysisResult(records: records, barriers: second.barriers)
    }

    /// Makes crash records of a pack again with the symbols that are there now.
    ///
    /// - Parameters:
    ///   - records: the records as they stand in the pack.
    ///   - pack: the pack, open for reading.
    /// - Returns: a record for each, nil where nothing of the store concerns it or it could not be read.
    /// - Throws: ``IngestError`` when the child cannot be started, dies or runs out of time.
    public func renew(_ records: [CrashRecord], pack: Int32, symbols: SymbolStore) throws -> [CrashRecord?] {
        let files = Self.files(symbols, for: records)
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
        return Array(records.flatMap { symbols.files(for: $0) }.filter { seen.insert($0).inserted }.prefix(mostSymbols))
    }

    private static func decode(_ records: [String?]) -> [CrashRecord?] {
        records.map { text in text.flatMap { try? JSONDecoder().decode(CrashRecord.self, from: Data($0.utf8)) } }
    }

    private func run(_ base: AnalysisJob, source: Int32, symbols files: [String]) throws -> AnalysisAnswer {
        var job = base
        job.limits = limits
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        for path in files {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            guard descriptor >= 0 else { continue }
            opened.append(descriptor)
            job.symbols.append(path)
        }
        var passed: [(from: Int32, to: Int32)] = [(source, Slot.source)]
        for (index, descriptor) in opened.enumerated() { passed.append((descriptor, Slot.firstSymbol + Int32(index))) }
        let answer: AnalysisAnswer = try reader.run(
            job, command: Self.command, files: passed, within: limits.milliseconds,
            doing: "the analysis of \(job.name ?? "a session's crashes")", carryOut: AnalysisWorker.carryOut)
        if let code = answer.errorCode { throw AnswerCheck.error(code, answer.error, missing: answer.missing) }
        return answer
    }
}
