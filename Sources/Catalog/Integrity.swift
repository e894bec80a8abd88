internal import Pack
import Text

extension Catalog {
    /// What SQLite's check of the whole database and a look at its tables' definitions find, one sentence each; empty
    /// when it is sound.
    ///
    /// - Throws: ``CatalogError`` when the database cannot be read for another reason than damage.
    public func integrityProblems(limit: Int = 20) throws(CatalogError) -> [String] {
        do throws(CatalogError) {
            return try read { (connection) throws(CatalogError) in
                let check = try connection.prepare("PRAGMA integrity_check(\(max(1, limit)))")
                var problems: [String] = []
                while try check.step() { problems.append(check.text(0)) }
                if problems == ["ok"] { problems = [] }
                return problems + (try Schema.differences(connection))
            }
        } catch {
            guard error.code == .corrupt else { throw error }
            return [error.message]
        }
    }

    /// In what the catalog's rows of a session differ from its pack, one sentence each; empty when they agree.
    ///
    /// SQLite keeps no checksums: a value that changed on the disk can look sound to it.
    ///
    /// - Throws: ``CatalogError`` when the rows cannot be read.
    public func differences(from contents: PackContents) throws(CatalogError) -> [String] {
        let session = contents.facts.session
        guard let record = try self.session(session) else { return ["the catalog has no row of session \(session)"] }
        var found: [String] = []
        func compare(_ what: String, _ row: some Equatable, _ pack: some Equatable, _ isEqual: Bool) {
            if !isEqual { found.append("the catalog says \(what) \(row), the pack \(pack)") }
        }
        compare("pack", record.pack ?? "none", contents.path, record.pack?.hasSameBytes(as: contents.path) == true)
        compare("bytes", record.packBytes, contents.packBytes, record.packBytes == contents.packBytes)
        compare("members", record.members, contents.members.count, record.members == contents.members.count)
        let rows = try members(session)
        compare("rows of members", rows.count, contents.members.count, rows.count == contents.members.count)
        let artifacts = contents.artifacts.map(\.artifact)
        for (row, member) in zip(rows, contents.members) {
            let index = Int(clamping: member.artifact)
            let isEqual =
                row.path == member.path && row.kind == member.kind && row.mode == member.mode
                && row.mtime == member.mtime && row.size == member.size && row.stored == member.stored
                && row.sha256 == member.sha256 && row.linkTarget == member.linkTarget && row.flags == member.flags
                && (!artifacts.indices.contains(index) || row.artifact.hasSameBytes(as: artifacts[index]))
            if !isEqual { found.append("the catalog's row of member \(row.ordinal) is not what the pack says") }
        }
        found += try read { (connection) throws(CatalogError) in
            var facts = FactDifferences(connection, contents)
            try facts.compare()
            return facts.found
        }
        return found
    }
}

extension Catalog {
    /// Whether somebody holds the right to write to a store's catalog at the moment; false also where that cannot be told.
    ///
    /// Waits at most a fifth of a second. For a process that is about to end: closing the connection would let go the locks
    /// that others of this process hold.
    public static func isHeld(store: String) -> Bool {
        do throws(CatalogError) {
            let catalog = try open(store: store, busyTimeout: 0.2)
            try catalog.write { (_) throws(CatalogError) in }
            return false
        } catch {
            return error.code == .busy
        }
    }
}
