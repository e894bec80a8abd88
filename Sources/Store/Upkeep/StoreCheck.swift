import Catalog
import Glibc
public import Ingest
import JSON
import Model
import Pack
import PackHome
import Text

/// A problem that the verification of a store found.
public struct StoreProblem: Sendable {
    /// The file, relative to the store.
    public let file: String
    /// The session that it belongs to, if that is known.
    public let session: String?
    /// What is wrong.
    public let verdict: Verdict
    /// What is damaged in a pack and what is still good; nil if the problem is another.
    public let judgement: PackJudgement?
    /// The problem in words; nil for a damaged pack, whose judgement has them.
    public let message: String?
    /// What to do about it, if that is known.
    public let hint: String?

    /// What is wrong with a file.
    public enum Verdict: String, Sendable {
        /// Its bytes are inconsistent.
        case corrupt
        /// It does not exist.
        case missing
        /// It cannot be read now.
        case unreadable
        /// It differs from the catalog's rows.
        case differs
        /// No row of the catalog names it.
        case unknown = "not_in_catalog"
        /// It was set aside because it was damaged.
        case aside = "set_aside"
        /// It belongs to another program.
        case foreign
        /// Another version of salvage wrote it.
        case otherLayout = "other_layout"
    }
}

/// The result of the verification of a store.
public struct StoreVerification: Sendable {
    /// The number of packs checked.
    public let packs: Int
    /// The number of problems found.
    public let problems: Int
}

extension Store {
    /// Checks the whole store: the database, every pack, and whether the two agree, both ways.
    ///
    /// - Parameters:
    ///   - quick: whether to check the structure of packs only, not their content.
    ///   - sample: check each pack with this probability, in millionths; nil checks all. Another call takes others.
    ///   - progress: called before each pack.
    ///   - found: takes each problem; what it throws ends the check.
    /// - Throws: `CatalogError` if there is nothing to check or the catalog is in use; what the closure throws.
    public func verify(
        quick: Bool, sample: UInt32? = nil, progress: (StoreProgress) -> Void, found: (StoreProblem) throws -> Void
    ) throws -> StoreVerification {
        try withoutActuallyEscaping(progress) { progress in
            try withoutActuallyEscaping(found) { found in
                var check = StoreCheck(
                    self, quick: quick, sample: sample, progress: progress, found: found)
                return try check.run()
            }
        }
    }
}

extension PackJudgement {
    /// Checks a pack of the store in this process: our own child wrote it.
    fileprivate init(_ path: String, in home: any PackHome, quick: Bool) {
        let report = home.verify(path, quick: quick)
        let reader = report.isSound ? nil : try? home.reader(for: path, tolerant: true)
        self.init(report, reader, quick: quick)
    }
}

/// Checks a whole store.
private struct StoreCheck {
    let store: Store
    /// The packs themselves, not copies of them.
    private var home: any PackHome
    let quick: Bool
    let sample: UInt32?
    let progress: (StoreProgress) -> Void
    let found: (StoreProblem) throws -> Void
    private var problems = 0
    private var packs = 0
    /// The catalog to compare with; nil if it cannot be read, which is reported when it is found.
    private var catalog: Catalog?

    init(
        _ store: Store, quick: Bool, sample: UInt32?, progress: @escaping (StoreProgress) -> Void,
        found: @escaping (StoreProblem) throws -> Void
    ) {
        self.store = store
        home = store.home.original
        self.quick = quick
        self.sample = sample
        self.progress = progress
        self.found = found
    }

    mutating func run() throws -> StoreVerification {
        // The disk is listed before the rows are read, so that a pack in the list that was committed is in the rows.
        var listing = home.list()
        try openCatalog(listing)
        if store.isShared, let garbage = try ask({ try GarbagePacks.found(among: listing.packs, in: $0) }) {
            listing.packs.removeAll { garbage.contains($0.path) }
        }
        let named = try ask { [sample] catalog in
            var named: [(path: String, session: String)] = []
            try catalog.forEachSession { session in
                if let pack = session.pack, Self.isChosen(sample) { named.append((pack, session.session)) }
            }
            return named
        }
        if store.isShared { home = ReadAheadHome(home, listing: listing, order: (named ?? []).map(\.path)) }
        for (index, pack) in (named ?? []).enumerated() {
            progress(.verifying(pack: index + 1, of: named?.count ?? 0))
            try check(pack.path, of: pack.session)
        }
        // A sample does not say which packs no row names.
        let known = ByteSet(sample == nil ? (named ?? []).map(\.path) : listing.packs.map(\.path))
        for pack in listing.packs where !known.contains(pack.path) { try checkUnknown(pack) }
        for pack in listing.aside {
            try tell(
                pack.path, nil, .aside, "an earlier pack that was damaged when more of its session arrived",
                "what could be read of it is in the session's pack; delete it when nobody needs the rest")
        }
        for trouble in listing.troubles {
            try tell(trouble.path, nil, .unreadable, "cannot be listed now: \(trouble.message)", Self.checkDisk)
        }
        try checkDecisions()
        return StoreVerification(packs: packs, problems: problems)
    }

    private static func isChosen(_ sample: UInt32?) -> Bool {
        sample.map { UInt32.random(in: 0..<1_000_000) < $0 } ?? true
    }

    /// Names the catalog in problems.
    private var catalogName: String { store.isShared ? "\(store.address)" : Catalog.fileName }

    private static let checkDisk = "check the disk or the link, then run salvage verify again"
    private var rebuild: String {
        store.isShared
            ? "restore the database from its backup, then run salvage reindex; docs/fleet.md says how"
            : "salvage reindex rebuilds the catalog from the packs"
    }

    /// Opens the catalog and reports its problems. The packs are checked even if it is damaged, missing, or of a layout
    /// that this version does not read.
    private mutating func openCatalog(_ listing: PackListing) throws {
        if !store.isShared, let problem = Catalog.headerProblem(store: store.path) {
            try tell(catalogName, nil, .corrupt, problem, rebuild)
        }
        do {
            let catalog = try store.openCatalog(readOnly: true)
            for problem in try catalog.integrityProblems() {
                try tell(catalogName, nil, .corrupt, problem, rebuild)
            }
            self.catalog = catalog
        } catch let error as CatalogError {
            switch error.code {
            case .busy, .io, .restoring: throw error
            // An empty store has nothing to check.
            case .missing where listing.packs.isEmpty && listing.aside.isEmpty && listing.troubles.isEmpty: throw error
            case .missing:
                try tell(
                    catalogName, nil, .missing,
                    "there is no catalog, though the store has \(counted(listing.packs.count, "pack"))", rebuild)
            case .older, .newer: try tell(catalogName, nil, .otherLayout, error.message, error.hint)
            case .foreign: try tell(catalogName, nil, .foreign, error.message, error.hint)
            case .corrupt: try tell(catalogName, nil, .corrupt, error.message, rebuild)
            default: try tell(catalogName, nil, .unreadable, error.message, error.hint)
            }
        }
    }

    /// Queries the catalog. If rows turn out to be damaged, reports that and does not query it again.
    private mutating func ask<Answer>(_ query: (Catalog) throws -> Answer) throws -> Answer? {
        guard let catalog else { return nil }
        do {
            return try query(catalog)
        } catch let error as CatalogError where error.code == .corrupt || error.code == .database {
            try tell(catalogName, nil, .corrupt, "some of its rows cannot be read: \(error.message)", rebuild)
            self.catalog = nil
            return nil
        }
    }

    /// Checks the journal of decisions.
    private mutating func checkDecisions() throws {
        let journal = DecisionJournal(store: store.path)
        var contents = DecisionJournal.Contents()
        do throws(StoreError) {
            contents = try journal.read()
            for _ in 0..<3 where contents.isTorn {
                // It may be a line that is being written.
                usleep(200_000)
                contents = try journal.read()
            }
        } catch {
            return try tell(DecisionJournal.file, nil, .unreadable, error.message, Self.checkDisk)
        }
        for (line, why) in contents.unreadable {
            try tell(
                DecisionJournal.file, nil, .corrupt, "line \(line) \(why); it is skipped",
                "make the decision again if it is missing in salvage crashes decisions; the line may stay")
        }
        if contents.isTorn, contents.unreadable.isEmpty {
            try tell(
                DecisionJournal.file, nil, .corrupt, "the last line has no end",
                "the next decision ends it; nothing is missing")
        }
    }

    private mutating func check(_ path: String, of session: String) throws {
        packs += 1
        switch home.presence(of: path) {
        case .absent:
            // No problem if the pack was pruned since the row was read.
            guard let row = try ask({ try $0.session(session) }), let row, row.pack?.hasSameBytes(as: path) == true
            else { return }
            return try tell(
                path, session, .missing, "the pack is missing from the store",
                "restore it from a backup; salvage reindex marks the session as lost")
        case .unknown(let reason):
            return try tell(
                path, session, .unreadable, "the pack cannot be read now: \(reason.message)", Self.checkDisk)
        case .present: break
        }
        let judgement = PackJudgement(path, in: home, quick: quick)
        guard judgement.isSound else { return try tell(path, session, judgement) }
        guard let catalog else { return }
        let differences: [String]
        do {
            differences = try self.differences(path, of: session, catalog)
        } catch let error as PackError where error.isLocalFault {
            return try tell(path, session, .unreadable, "the pack cannot be read now: \(error.message)", Self.checkDisk)
        }
        guard let first = differences.first else { return }
        let more = differences.count > 1 ? ", and \(differences.count - 1) more" : ""
        try tell(path, session, .differs, first + more, "salvage reindex updates the rows from the pack")
    }

    /// Returns the differences between rows and pack that remain once no other process is changing them.
    private func differences(_ path: String, of session: String, _ catalog: Catalog) throws -> [String] {
        var found: [String] = []
        for _ in 0..<3 {
            do {
                let reader = try home.reader(for: path)
                let contents = try PackContents(reader, path: path)
                guard Array(contents.facts.session.utf8) == Array(session.utf8) else {
                    return ["the pack belongs to session \(contents.facts.session)"]
                }
                found = try catalog.differences(from: contents)
            } catch let error as CatalogError where error.code == .corrupt || error.code == .database {
                return ["the catalog's rows cannot be read: \(error.message)"]
            } catch let error as PackError where !error.isLocalFault {
                return error.isAbsence ? [] : ["the pack could not be read a second time: \(error)"]
            }
            if found.isEmpty { return [] }
            // There may be a new generation whose rows are about to be committed.
            guard case .present(let pack) = home.presence(of: path) else { return [] }
            guard NewPacks.isNew(pack, session: session, in: store) else { continue }
            usleep(200_000)
        }
        guard case .present(let pack) = home.presence(of: path) else { return [] }
        return NewPacks.isNew(pack, session: session, in: store) ? [] : found
    }

    /// Checks a pack that no row named when the rows were read.
    private mutating func checkUnknown(_ pack: StoredPack) throws {
        switch home.presence(of: pack.path) {
        case .absent: return
        case .unknown(let reason):
            return try tell(
                pack.path, nil, .unreadable, "the pack cannot be read now: \(reason.message)", Self.checkDisk)
        case .present: break
        }
        let judgement = PackJudgement(pack.path, in: home, quick: quick)
        let session = judgement.session
        if NewPacks.isNew(pack, session: session, in: store) { return }
        let other = try session.flatMap { session in try ask { try $0.session(session) } ?? nil }
        if other?.pack?.hasSameBytes(as: pack.path) == true { return }
        packs += 1
        if !judgement.isSound { try tell(pack.path, session, judgement) }
        // Without a catalog every pack is unknown; its damage is reported already.
        guard catalog != nil else { return }
        let words =
            other?.pack.map { "the catalog names another pack of the session, \($0)" }
            ?? (other?.pruned != nil
                ? "the session was pruned; the next prune removes this pack" : "it is not in the catalog")
        try tell(
            pack.path, session, .unknown, words,
            other?.pack != nil
                ? session.map { SecondPack.hint(pack.path, of: $0) }
                : other?.pruned != nil ? "salvage prune" : "salvage reindex adds it")
    }

    private mutating func tell(
        _ file: String, _ session: String?, _ verdict: StoreProblem.Verdict, _ message: String, _ hint: String?
    ) throws {
        problems += 1
        try found(
            StoreProblem(
                file: file, session: session, verdict: verdict, judgement: nil, message: message, hint: hint))
    }

    private mutating func tell(_ file: String, _ session: String?, _ judgement: PackJudgement) throws {
        problems += 1
        try found(
            StoreProblem(
                file: file, session: session, verdict: judgement.isUnreadable ? .unreadable : .corrupt,
                judgement: judgement, message: nil, hint: nil))
    }
}
