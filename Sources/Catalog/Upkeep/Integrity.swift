import Model
internal import Pack
import Text

extension Catalog {
    /// Compares the catalog's rows of a session with its pack. Returns one sentence per difference; empty when they
    /// agree.
    ///
    /// SQLite keeps no checksums: a value that changed on disk can look valid to it.
    ///
    /// - Throws: ``CatalogError`` when the rows cannot be read.
    public func differences(from contents: PackContents) throws(CatalogError) -> [String] {
        let session = contents.facts.session
        guard let record = try self.session(session) else { return ["the catalog has no row for session \(session)"] }
        var found: [String] = []
        func compare(_ what: String, _ row: some Equatable, _ pack: some Equatable, _ isEqual: Bool) {
            if !isEqual { found.append("the catalog has \(what) \(row), the pack has \(pack)") }
        }
        compare("pack", record.pack ?? "none", contents.path, record.pack?.hasSameBytes(as: contents.path) == true)
        compare("bytes", record.packBytes, contents.packBytes, record.packBytes == contents.packBytes)
        compare("members", record.members, contents.members.count, record.members == contents.members.count)
        found += try memberDifferences(from: contents)
        found += try read { (connection) throws(CatalogError) in
            var facts = FactDifferences(connection, contents)
            try facts.compare()
            return facts.found
        }
        return found
    }

    private func memberDifferences(from contents: PackContents) throws(CatalogError) -> [String] {
        guard storesMembers else { return [] }
        let rows = try members(contents.facts.session)
        var found: [String] = []
        if rows.count != contents.members.count {
            found.append(
                "the catalog has member rows \(rows.count), the pack has \(contents.members.count)")
        }
        let artifacts = contents.artifacts.map(\.artifact)
        for (row, member) in zip(rows, contents.members) {
            let index = Int(clamping: member.artifact)
            let isEqual =
                row.path == member.path && row.kind == member.kind && row.mode == member.mode
                && row.mtime == member.mtime && row.size == member.size && row.stored == member.stored
                && row.sha256 == member.sha256 && row.linkTarget == member.linkTarget && row.flags == member.flags
                && (!artifacts.indices.contains(index) || row.artifact.hasSameBytes(as: artifacts[index]))
            if !isEqual { found.append("the catalog's row of member \(row.ordinal) differs from the pack") }
        }
        return found
    }
}
