import Catalog
import Files
import Model
import Pack
import PackHome
import Text

/// Checks a store for what needs attention: damaged packs, downloads without a session, a damaged catalog.
struct RemainsExamination {
    let store: Store
    let home: any PackHome
    /// All packs.
    let listing: PackListing

    init(_ store: Store) {
        self.store = store
        home = store.home
        listing = home.list()
    }

    /// Checks the catalog's integrity, and the names of the packs against it; `verify` reads the packs themselves.
    func findings(_ catalog: Catalog) throws -> [Finding] {
        var findings: [Finding] = []
        let problems = try catalog.integrityProblems(limit: 3)
        if let first = problems.first {
            findings.append(
                .failure(
                    "catalog", "the database is damaged: \(first)",
                    hint: "salvage reindex rebuilds it from the packs"))
        }
        let unknown = try catalog.unreferencedPacks(in: home).filter {
            !NewPacks.isNew($0.pack, session: $0.session, in: store)
        }
        if let first = unknown.first {
            findings.append(
                .warning(
                    "packs",
                    "\(counted(unknown.count, "pack is", "packs are")) not in the catalog, such as \(first.pack.path)",
                    hint: "salvage reindex adds them, except second packs of a session, which salvage verify lists")
            )
        }
        var missing: [String] = []
        var hidden: [String] = []
        let listed = ByteSet(listing.packs.map(\.path))
        try catalog.forEachSession { session in
            guard let pack = session.pack, !listed.contains(pack) else { return }
            switch home.presence(of: pack) {
            case .present: break
            case .absent: missing.append(session.session)
            case .unknown(let reason): hidden.append("\(pack): \(reason.message)")
            }
        }
        if let first = missing.first {
            let words =
                missing.count == 1
                ? "the pack of 1 session is missing from the store"
                : "the packs of \(missing.count) sessions are missing from the store"
            findings.append(
                .failure(
                    "packs", "\(words), such as that of \(first)",
                    hint: "restore them from a backup; salvage reindex marks such sessions as lost"))
        }
        if let first = hidden.first {
            findings.append(
                .failure("packs", "\(counted(hidden.count, "pack")) cannot be checked now, such as \(first)"))
        }
        return findings
    }

    /// Findings about the packs folder that need no catalog.
    var packs: [Finding] {
        var findings = listing.troubles.prefix(3).map {
            Finding.failure("packs", "\($0.path) cannot be listed now: \($0.message)")
        }
        if let first = listing.aside.first {
            findings.append(
                .warning(
                    "packs",
                    "\(counted(listing.aside.count, "damaged pack was", "damaged packs were")) set aside, "
                        + "such as \(first.path)",
                    hint: "salvage verify lists them; remove them once nobody needs what they hold"))
        }
        return findings
    }

    /// The finding for a missing catalog: it was never created, or it is lost.
    func withoutCatalog(_ error: CatalogError) -> Finding {
        guard let first = listing.packs.first else {
            return .note("catalog", "the store has no catalog yet", hint: error.hint)
        }
        let count = counted(listing.packs.count, "pack")
        return .failure(
            "catalog", "the catalog is missing, though the store has \(count), such as \(first.path)",
            hint: "salvage reindex rebuilds it from the packs")
    }

    /// Findings about the spool: downloads not yet packed, downloads set aside, and files that do not belong there.
    var spool: [Finding] { Self.spool(of: store.path) }

    /// The same of a store's folder, without a list of its packs.
    static func spool(of store: String) -> [Finding] {
        do throws(FileFailure) {
            guard let top = try OpenFolder(ifPresent: store + "/spool") else { return [] }
            let entries = try top.entries()
            var findings = waiting(top, entries.filter { $0.kind == .folder && !$0.name.hasPrefix(".") })
            if let sessions = count(".quarantine", top, entries, &findings), sessions > 0 {
                findings.append(
                    .warning(
                        "quarantine",
                        "downloads of \(counted(sessions, "session")) are in quarantine: the confined process "
                            + "crashed or stalled when it read them",
                        hint: "they are in \(top.path)/.quarantine; salvage why SESSION says why; to try one again: "
                            + "salvage ingest --session SESSION FILE"))
            }
            findings += entries.filter { $0.kind != .folder && !$0.name.hasPrefix(".") }.prefix(3).map {
                .warning(
                    "spool", "\(top.path)/\($0.name) is not a folder of downloads; it is ignored",
                    hint: "remove it, or move it where it belongs")
            }
            if let sessions = count(".aside", top, entries, &findings), sessions > 0 {
                findings.append(
                    .warning(
                        "aside",
                        "downloads of \(counted(sessions, "session")) are in no pack and could not be added to one",
                        hint: "they are in \(top.path)/.aside; to keep one: salvage ingest --session SESSION FILE"))
            }
            return findings
        } catch {
            return [.warning("spool", "the spool cannot be read now: \(error.message)")]
        }
    }

    /// Findings about sessions with downloads not yet in a pack, and about folders that cannot be read now.
    private static func waiting(_ top: OpenFolder, _ folders: [OpenFolder.Entry]) -> [Finding] {
        var waiting = 0
        var hidden: [String] = []
        for folder in folders {
            do throws(FileFailure) {
                // A session's folder is also its write lock: it may exist without a download.
                let holds = try top.folder(folder).entries().contains { entry in
                    [".part", ".complete", ".cut"].contains { entry.name.hasSuffix($0) }
                        && entry.name != "session.json.part"
                }
                if holds { waiting += 1 }
            } catch {
                if !error.isAbsence { hidden.append("\(folder.name): \(error.message)") }
            }
        }
        var findings: [Finding] = []
        if waiting > 0 {
            let sessions = counted(waiting, "session has", "sessions have")
            findings.append(.note("spool", "\(sessions) downloads not yet in a pack"))
        }
        if let first = hidden.first {
            findings.append(
                .warning(
                    "spool",
                    "\(counted(hidden.count, "folder")) of downloads cannot be read now, such as \(first)",
                    hint: "check their owner, their mode and the disk: a harvest cannot read them either"))
        }
        return findings
    }

    /// The number of entries in a folder of the spool; nil, with a finding, when it cannot be read now.
    private static func count(
        _ name: String, _ top: OpenFolder, _ entries: [OpenFolder.Entry], _ findings: inout [Finding]
    ) -> Int? {
        guard let entry = entries.first(where: { $0.name == name }) else { return 0 }
        do throws(FileFailure) {
            return try top.folder(entry).entries().count
        } catch {
            findings.append(.warning("spool", "\(top.path)/\(name) cannot be read now: \(error.message)"))
            return nil
        }
    }
}
