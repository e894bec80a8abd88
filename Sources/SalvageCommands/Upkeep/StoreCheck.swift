import Catalog
import Files
import Glibc
import Ingest
import JSON
import Model
import Pack
import Terminal
import Text

/// Checks a whole store: the database, every pack, and whether the two agree, both ways.
struct StoreCheck {
    let store: String
    let quick: Bool
    let options: GlobalOptions
    let output: Output
    /// The number of problems found.
    private(set) var problems = 0
    private var packs = 0
    /// The catalog to compare with; nil if it cannot be read, which is reported when it is found.
    private var catalog: Catalog?
    private let progress: Progress

    init(store: String, quick: Bool, options: GlobalOptions, output: Output) {
        self.store = store
        self.quick = quick
        self.options = options
        self.output = output
        progress = Progress(quiet: options.quiet)
    }

    /// Runs the check; returns whether there were no problems.
    mutating func run() throws -> Bool {
        // The disk is listed before the rows are read, so that a pack in the list that was committed is in the rows.
        let listing = StorePacks.list(store: store)
        try openCatalog(listing)
        let named = try ask { catalog in
            var named: [(path: String, session: String)] = []
            try catalog.forEachSession { session in
                if let pack = session.pack { named.append((pack, session.session)) }
            }
            return named
        }
        for (index, pack) in (named ?? []).enumerated() {
            progress.update("verifying \(index + 1) of \(counted(named?.count ?? 0, "pack"))")
            try check(pack.path, of: pack.session)
        }
        let known = ByteSet((named ?? []).map(\.path))
        for file in listing.packs where !known.contains(file.path) { try checkUnknown(file) }
        for file in listing.aside {
            tell(
                file.path, nil, "set_aside", "an earlier pack that was damaged when more of its session arrived",
                "what could be read of it is in the session's pack; delete it when nobody needs the rest")
        }
        for trouble in listing.troubles {
            tell(trouble.path, nil, "unreadable", "cannot be listed now: \(trouble.message)", Self.checkDisk)
        }
        progress.finish()
        if !output.json, !options.quiet {
            output.text(
                problems == 0
                    ? "\(counted(packs, "pack is", "packs are")) good"
                    : "\(counted(packs, "pack")) checked: \(counted(problems, "problem"))"
            )
        }
        return problems == 0
    }

    private static let checkDisk = "check the disk or the link, then run salvage verify again"
    private static let rebuild = "salvage reindex rebuilds the catalog from the packs"

    /// Opens the catalog and reports its problems. The packs are checked even if it is damaged, missing, or of a layout
    /// that this version does not read.
    private mutating func openCatalog(_ listing: StorePacks.Listing) throws {
        if let problem = Catalog.headerProblem(store: store) {
            tell(Catalog.fileName, nil, "corrupt", problem, Self.rebuild)
        }
        do throws(CatalogError) {
            let catalog = try Catalog.open(store: store, readOnly: true)
            for problem in try catalog.integrityProblems() {
                tell(Catalog.fileName, nil, "corrupt", problem, Self.rebuild)
            }
            self.catalog = catalog
        } catch {
            switch error.code {
            case .busy, .io, .restoring: throw error
            // An empty store has nothing to check.
            case .missing where listing.packs.isEmpty && listing.aside.isEmpty && listing.troubles.isEmpty: throw error
            case .missing:
                tell(
                    Catalog.fileName, nil, "missing",
                    "there is no catalog, though the store has \(counted(listing.packs.count, "pack"))", Self.rebuild)
            case .older, .newer: tell(Catalog.fileName, nil, "other_layout", error.message, error.hint)
            case .foreign: tell(Catalog.fileName, nil, "foreign", error.message, error.hint)
            case .corrupt: tell(Catalog.fileName, nil, "corrupt", error.message, Self.rebuild)
            default: tell(Catalog.fileName, nil, "unreadable", error.message, error.hint)
            }
        }
    }

    /// Queries the catalog. If rows turn out to be damaged, reports that and does not query it again.
    private mutating func ask<Answer>(_ query: (Catalog) throws -> Answer) throws -> Answer? {
        guard let catalog else { return nil }
        do {
            return try query(catalog)
        } catch let error as CatalogError where error.code == .corrupt || error.code == .database {
            tell(Catalog.fileName, nil, "corrupt", "some of its rows cannot be read: \(error.message)", Self.rebuild)
            self.catalog = nil
            return nil
        }
    }

    private mutating func check(_ path: String, of session: String) throws {
        packs += 1
        switch StorePacks.presence(of: path, store: store) {
        case .absent:
            // No problem if the pack was pruned since the row was read.
            guard let row = try ask({ try $0.session(session) }), let row, row.pack?.hasSameBytes(as: path) == true
            else { return }
            return tell(
                path, session, "missing", "the pack is missing from the store",
                "restore it from a backup; salvage reindex marks the session as lost")
        case .unknown(let reason):
            return tell(path, session, "unreadable", "the pack cannot be read now: \(reason)", Self.checkDisk)
        case .present: break
        }
        let check = PackCheck(path: "\(store)/\(path)", quick: quick)
        guard check.report.isSound else {
            problems += 1
            progress.finish()
            return check.write(file: path, session: session, to: output)
        }
        guard let catalog else { return }
        let differences: [String]
        do {
            differences = try self.differences(path, of: session, catalog)
        } catch let error as PackError where error.isLocalFault {
            return tell(path, session, "unreadable", "the pack cannot be read now: \(error.message)", Self.checkDisk)
        }
        guard let first = differences.first else { return }
        let more = differences.count > 1 ? ", and \(differences.count - 1) more" : ""
        tell(path, session, "differs", first + more, "salvage reindex updates the rows from the pack")
    }

    /// Returns the differences between rows and pack that remain once no other process is changing them.
    private func differences(_ path: String, of session: String, _ catalog: Catalog) throws -> [String] {
        var found: [String] = []
        for _ in 0..<3 {
            do {
                let reader = try PackReader.open(path: "\(store)/\(path)")
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
            guard case .present(let entry) = StorePacks.presence(of: path, store: store) else { return [] }
            let file = StorePacks.File(path: path, name: entry.name, entry: entry, isDirect: true)
            guard NewPacks.isNew(file, session: session, store: store) else { continue }
            usleep(200_000)
        }
        guard case .present(let entry) = StorePacks.presence(of: path, store: store) else { return [] }
        let file = StorePacks.File(path: path, name: entry.name, entry: entry, isDirect: true)
        return NewPacks.isNew(file, session: session, store: store) ? [] : found
    }

    /// Checks a pack that no row named when the rows were read.
    private mutating func checkUnknown(_ file: StorePacks.File) throws {
        switch StorePacks.presence(of: file.path, store: store) {
        case .absent: return
        case .unknown(let reason):
            return tell(file.path, nil, "unreadable", "the pack cannot be read now: \(reason)", Self.checkDisk)
        case .present: break
        }
        let check = PackCheck(path: "\(store)/\(file.path)", quick: quick)
        let session = check.report.session
        if NewPacks.isNew(file, session: session, store: store) { return }
        let other = try session.flatMap { session in try ask { try $0.session(session) } ?? nil }
        if other?.pack?.hasSameBytes(as: file.path) == true { return }
        packs += 1
        if !check.report.isSound {
            problems += 1
            progress.finish()
            check.write(file: file.path, session: session, to: output)
        }
        // Without a catalog every pack is unknown; its damage is reported already.
        guard catalog != nil else { return }
        let words =
            other?.pack.map { "the catalog names another pack of the session, \($0)" }
            ?? (other?.pruned != nil
                ? "the session was pruned; the next prune removes this pack" : "it is not in the catalog")
        tell(
            file.path, session, "not_in_catalog", words,
            other?.pack != nil
                ? session.map { SecondPack.hint(file.path, of: $0) }
                : other?.pruned != nil ? "salvage prune" : "salvage reindex adds it")
    }

    private mutating func tell(_ file: String, _ session: String?, _ verdict: String, _ words: String, _ hint: String?)
    {
        problems += 1
        progress.finish()
        if output.json {
            var line = JSONLine()
            line.add("file", file)
            line.add("session", session)
            line.add("verdict", verdict)
            line.add("flags", [String]())
            line.add("first_error", words)
            line.add("hint", hint)
            return output.line(line)
        }
        let style = output.style
        output.text(
            "\(Escape.display(file)): \(style.red(verdict))\(session.map { ", session \(Escape.display($0))" } ?? "")")
        output.text("  \(Escape.display(words))")
        if let hint { output.text("  " + style.dim("hint: " + hint)) }
    }
}
