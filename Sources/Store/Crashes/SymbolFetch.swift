import Clocks
import CrashAnalysis
import Files
import Glibc
public import Model
import Text
import Threads

/// What symbol servers gave.
public struct SymbolFetchReport: Sendable {
    /// The number of build ids that were asked for.
    public internal(set) var asked = 0
    /// The number of build ids of which something came.
    public internal(set) var found = 0
    /// The number of build ids that no server has; those remembered from the last day included.
    public internal(set) var absent = 0
    /// The bytes received.
    public internal(set) var bytes: UInt64 = 0
    /// What the files changed in the store.
    public internal(set) var symbols = SymbolsReport()
    /// Servers that failed, and answers that were refused; one for each build id and server.
    public internal(set) var failures: [StoreError] = []
}

/// Bounds on what is asked of symbol servers.
public struct SymbolFetchLimits: Sendable {
    /// The most build ids.
    public var most: Int
    /// The largest file, in bytes.
    public var fileSize: UInt64
    /// The rules for signatures.
    public var rules: SignatureRules
    /// Names of the barriers that may be missing around the process that reads dumps.
    public var allowMissing: [String]

    /// Makes bounds.
    public init(most: Int, fileSize: UInt64, rules: SignatureRules, allowMissing: [String]) {
        self.most = most
        self.fileSize = fileSize
        self.rules = rules
        self.allowMissing = allowMissing
    }
}

extension Store {
    /// How often the servers are asked again for what became known by the answers: with the unwind tables of one module, the
    /// stack goes on in another.
    private static let rounds = 4

    /// Asks symbol servers for the build ids that the selected crashes need, and applies what comes to the crashes. Only
    /// build ids are sent.
    ///
    /// An answer is added to the store only if it is an ELF file with the build id that was asked for. What no server has
    /// is not asked for again on the same day.
    ///
    /// - Parameters:
    ///   - selection: the crashes.
    ///   - sources: the servers, in the order in which they are asked.
    ///   - limits: bounds, and the rules by which crashes are signed.
    ///   - progress: called before each build id and while crashes are signed, on any thread, one call at a time.
    /// - Throws: ``StoreError``, `CatalogError`, `CrashError`, `FileFailure`.
    public func fetchSymbols(
        _ selection: Selection, from sources: [any SymbolSource], within limits: SymbolFetchLimits,
        progress: @escaping @Sendable (StoreProgress) -> Void
    ) async throws -> SymbolFetchReport {
        // The catalog and the bucket of a shared store block, and so does signing.
        let threads = BlockingQueue(label: "salvage.symbols")
        let root = symbols.root
        try StoreFolder.make(root)
        let scratch = try Folders.makeTemporary(".fetched", in: root)
        defer { _ = try? Folders.removeTree(scratch) }
        var absences = SymbolAbsences(root: root, servers: sources.map(\.name), now: WallClock.now())
        var run = SymbolFetch(sources: sources, scratch: scratch, limit: limits.fileSize)
        for _ in 0..<Self.rounds {
            let missing = try await threads.run { try self.missingSymbols(selection).entries.map(\.identity) }
            let wanted = missing.filter { run.isNew($0) }.prefix(max(0, limits.most - run.report.asked))
            if wanted.isEmpty { break }
            var paths: [String] = []
            for (index, identity) in wanted.enumerated() {
                progress(.asking(buildID: identity, number: index + 1, of: wanted.count))
                paths += try await run.fetch(identity, &absences)
            }
            try absences.save()
            if paths.isEmpty { break }
            let added = try await threads.run { [paths] in
                try self.addSymbols(
                    paths, rules: limits.rules, allowMissing: limits.allowMissing, progress: progress)
            }
            run.report.symbols.join(added)
            // They are in the store now.
            for path in paths { unlink(path) }
        }
        return run.report
    }
}

extension SymbolsReport {
    /// Adds what further files changed.
    mutating func join(_ other: SymbolsReport) {
        addition.join(other.addition)
        crashes += other.crashes
        signatures += other.signatures
        awaitingSymbols = other.awaitingSymbols
        unread += other.unread
    }
}

/// One run of questions to symbol servers.
private struct SymbolFetch {
    let sources: [any SymbolSource]
    let scratch: String
    let limit: UInt64
    var report = SymbolFetchReport()
    private var asked: Set<String> = []
    private var unreachable: Set<Int> = []

    init(sources: [any SymbolSource], scratch: String, limit: UInt64) {
        self.sources = sources
        self.scratch = scratch
        self.limit = limit
    }

    /// Whether this is a GNU build id that has not been asked for. Breakpad's ids are others, and come from a dump as any
    /// text does.
    func isNew(_ identity: String) -> Bool {
        let digits = identity.utf8
        return (16...128).contains(digits.count) && digits.count.isMultiple(of: 2)
            && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            && !asked.contains(identity)
    }

    /// Asks for both files of a build; returns the paths of those that came and have the build id.
    mutating func fetch(_ identity: String, _ absences: inout SymbolAbsences) async throws -> [String] {
        asked.insert(identity)
        report.asked += 1
        var paths: [String] = []
        var absent = 0
        for part in SymbolPart.allCases {
            if absences.contains(part, of: identity) {
                absent += 1
                continue
            }
            var answers = 0
            for (index, source) in sources.enumerated() where !unreachable.contains(index) {
                let path = "\(scratch)/\(identity).\(part.rawValue)"
                do {
                    let file = try OpenFile(path, O_RDWR | O_CREAT | O_EXCL)
                    guard try await source.download(part, of: identity, to: file, limit: limit) else {
                        answers += 1
                        unlink(path)
                        continue
                    }
                    report.bytes &+= try Descriptor.size(file.descriptor)
                    try Self.check(path, identity)
                    paths.append(path)
                    break
                } catch {
                    unlink(path)
                    try note(error, identity, index)
                }
            }
            if answers == sources.count {
                absences.insert(part, of: identity, at: WallClock.now())
                absent += 1
            }
        }
        if !paths.isEmpty { report.found += 1 } else if absent == SymbolPart.allCases.count { report.absent += 1 }
        return paths
    }

    private mutating func note(_ error: any Error, _ identity: String, _ index: Int) throws {
        // A disk that is full, and the user's Ctrl-C, end all of it.
        guard let failure = error as? SymbolSourceFailure else { throw error }
        if failure.isUnreachable { unreachable.insert(index) }
        report.failures.append(
            StoreError(
                .symbolServer, "\(sources[index].name): \(failure.message) (build id \(identity))",
                hint: failure.isUnreachable ? "it was not asked for the other build ids; try again later" : nil,
                kind: .tryAgain))
    }

    /// Refuses a file that does not have the build id that was asked for.
    private static func check(_ path: String, _ identity: String) throws {
        let found = try SymbolStore.buildID(of: path)
        guard found?.lowercased() == identity else {
            throw SymbolSourceFailure(
                found.map { "the answer has another build id, \(Escape.display($0)), and was refused" }
                    ?? "the answer is not an ELF file with a build id and was refused")
        }
    }
}
