import Catalog
import Pack
import Text

/// What lies in a store that somebody should look at: damaged packs, downloads that belong to nobody, a damaged catalog.
struct RemainsExamination {
    let store: String
    /// What lies below the packs' folder.
    let listing: StorePacks.Listing

    init(store: String) {
        self.store = store
        listing = StorePacks.list(store: store)
    }

    /// What the catalog's own check and a look at the packs' names come to; `verify` reads the packs themselves.
    func findings(_ catalog: Catalog) throws -> [Finding] {
        var findings: [Finding] = []
        let problems = try catalog.integrityProblems(limit: 3)
        if let first = problems.first {
            findings.append(
                .failure(
                    "catalog", "the database is damaged: \(first)",
                    hint: "salvage reindex makes it again from the packs"))
        }
        let unknown = try catalog.unreferencedPacks().filter {
            !NewPacks.isNew($0.file, session: $0.session, store: store)
        }
        if let first = unknown.first {
            findings.append(
                .warning(
                    "packs", "\(unknown.count) packs are not in the catalog, such as \(first.file.path)",
                    hint: "salvage reindex takes them in, but for second packs of a session: salvage verify says which")
            )
        }
        var missing: [String] = []
        var hidden: [String] = []
        let listed = ByteSet(listing.packs.map(\.path))
        try catalog.forEachSession { session in
            guard let pack = session.pack, !listed.contains(pack) else { return }
            switch StorePacks.presence(of: pack, store: store) {
            case .present: break
            case .absent: missing.append(session.session)
            case .unknown(let reason): hidden.append("\(pack): \(reason)")
            }
        }
        if let first = missing.first {
            findings.append(
                .failure(
                    "packs", "the packs of \(missing.count) sessions do not exist, such as that of \(first)",
                    hint: "restore them from the backup; salvage reindex calls such sessions lost"))
        }
        if let first = hidden.first {
            findings.append(.failure("packs", "\(hidden.count) packs cannot be looked at now, such as \(first)"))
        }
        return findings
    }

    /// What can be said of the packs' folder without a catalog.
    var packs: [Finding] {
        var findings = listing.troubles.prefix(3).map {
            Finding.failure("packs", "\($0.path) cannot be listed now: \($0.message)")
        }
        if let first = listing.aside.first {
            findings.append(
                .warning(
                    "packs", "\(listing.aside.count) damaged packs were set aside, such as \(first.path)",
                    hint: "salvage verify lists them; remove them once nobody needs what they hold"))
        }
        return findings
    }

    /// A catalog that is not there: none was ever made, or it is lost.
    func withoutCatalog(_ error: CatalogError) -> Finding {
        guard let first = listing.packs.first else { return .note("catalog", "there is none yet", hint: error.hint) }
        let count = listing.packs.count == 1 ? "1 pack" : "\(listing.packs.count) packs"
        return .failure(
            "catalog", "there is none, though the store has \(count), such as \(first.path)",
            hint: "salvage reindex makes it again from the packs")
    }

    /// What lies in the spool: downloads that wait for a pack, what was put aside, and what does not belong there.
    var spool: [Finding] {
        do throws(PackError) {
            let top = try OpenFolder(path: store + "/spool")
            let entries = try top.entries()
            var findings = waiting(top, entries.filter { $0.kind == .folder && !$0.name.hasPrefix(".") })
            if let sessions = count(".quarantine", top, entries, &findings), sessions > 0 {
                findings.append(
                    .warning(
                        "quarantine",
                        "downloads of \(sessions) sessions are in quarantine: their readers crashed or stalled",
                        hint: "they lie in \(top.path)/.quarantine, salvage why SESSION says why; to try one again: "
                            + "salvage ingest --session SESSION FILE"))
            }
            findings += entries.filter { $0.kind != .folder && !$0.name.hasPrefix(".") }.prefix(3).map {
                .warning(
                    "spool", "\(top.path)/\($0.name) is no folder of downloads; nothing in it is touched",
                    hint: "remove it, or move it where it belongs")
            }
            if let sessions = count(".aside", top, entries, &findings), sessions > 0 {
                findings.append(
                    .warning(
                        "aside", "downloads of \(sessions) sessions are in no pack and could not be given to one",
                        hint: "they lie in \(top.path)/.aside; to keep one: salvage ingest --session SESSION FILE"))
            }
            return findings
        } catch {
            return error.isAbsence ? [] : [.warning("spool", "it cannot be read now: \(error.message)")]
        }
    }

    /// Sessions with downloads that are in no pack, and those of which that cannot be told now.
    private func waiting(_ top: OpenFolder, _ folders: [OpenFolder.Entry]) -> [Finding] {
        var waiting = 0
        var hidden: [String] = []
        for folder in folders {
            do throws(PackError) {
                // A session's folder is also its write lock: one without a download waits for nothing.
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
            let sessions = waiting == 1 ? "1 session has" : "\(waiting) sessions have"
            findings.append(.note("spool", "\(sessions) downloads that are in no pack yet"))
        }
        if let first = hidden.first {
            findings.append(
                .warning(
                    "spool", "\(hidden.count) folders of downloads cannot be read now, such as \(first)",
                    hint: "see to their owner, their mode and the disk: a harvest cannot read them either"))
        }
        return findings
    }

    /// How many entries a folder of the spool has; nil, with a finding, where that cannot be told now.
    private func count(
        _ name: String, _ top: OpenFolder, _ entries: [OpenFolder.Entry], _ findings: inout [Finding]
    ) -> Int? {
        guard let entry = entries.first(where: { $0.name == name }) else { return 0 }
        do throws(PackError) {
            return try top.folder(entry).entries().count
        } catch {
            findings.append(.warning("spool", "\(top.path)/\(name) cannot be read now: \(error.message)"))
            return nil
        }
    }
}
