import Catalog
import Pack

/// What lies in a store that somebody should look at: damaged packs, downloads that belong to nobody, a damaged catalog.
struct RemainsExamination {
    let store: String

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
        let listing = StorePacks.list(store: store)
        let unknown = try catalog.unreferencedPacks().filter {
            !NewPacks.isNew($0.file, session: $0.session, store: store)
        }
        if let first = unknown.first {
            findings.append(
                .warning(
                    "packs", "\(unknown.count) packs are not in the catalog, such as \(first.file.path)",
                    hint: "salvage verify says which, salvage reindex takes them in"))
        }
        var missing: [String] = []
        var hidden: [String] = []
        let listed = Set(listing.packs.map(\.path))
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
        findings += listing.troubles.prefix(3).map {
            .failure("packs", "\($0.path) cannot be listed now: \($0.message)")
        }
        if let first = listing.aside.first {
            findings.append(
                .warning(
                    "packs", "\(listing.aside.count) damaged packs were set aside, such as \(first.path)",
                    hint: "salvage verify lists them; remove them once nobody needs what they hold"))
        }
        return findings
    }

    /// What lies in the spool beside downloads.
    var spool: [Finding] {
        do throws(PackError) {
            let top = try OpenFolder(path: store + "/spool")
            let entries = try top.entries()
            var findings = entries.filter { $0.kind != .folder && !$0.name.hasPrefix(".") }.prefix(3).map {
                Finding.warning(
                    "spool", "\(top.path)/\($0.name) is no folder of downloads; nothing in it is touched",
                    hint: "remove it, or move it where it belongs")
            }
            guard entries.contains(where: { $0.name == ".aside" }) else { return findings }
            let aside = try top.folder(".aside").entries().count
            if aside > 0 {
                findings.append(
                    .warning(
                        "aside", "downloads of \(aside) sessions are in no pack and could not be given to one",
                        hint: "they lie in \(top.path)/.aside; to keep one: salvage ingest --session SESSION FILE"))
            }
            return findings
        } catch {
            return error.isAbsence ? [] : [.warning("spool", "it cannot be read now: \(error.message)")]
        }
    }
}
