import Catalog
import Model
import Pack
import Text

extension SessionPack {
    /// The artifact that holds what the server printed to stdout and stderr.
    private static let output = "logs"

    /// Whether a member is what the server printed, harvested here or taken from another store's bundle.
    private func isOutput(_ member: Member) -> Bool {
        let artifact = artifact(of: member)
        return artifact.hasSameBytes(as: Self.output) || artifact.hasByteSuffix(BundleArchive.mark + Self.output)
    }

    /// The text members with the server's stdout and stderr, in pack order.
    private var outputMembers: [Int] {
        reader.members.indices.filter { index in
            reader.members[index].kind.isText && isOutput(reader.members[index])
        }
    }

    /// The session's log: the server's stdout and stderr if they were collected, else all members that are logs.
    ///
    /// - Throws: ``StoreError`` if it is not known which artifact a member belongs to.
    public func logMembers() throws(StoreError) -> [Int] {
        if let damage = artifactsDamage, !knowsArtifacts {
            throw artifactsUnreadable(
                damage, hint: "choose members with --path; salvage files \(session.session) lists them")
        }
        let output = outputMembers
        return output.isEmpty ? reader.members.indices.filter { reader.members[$0].kind == .log } : output
    }

    /// The first member with the server's output, of any kind; nil if it was not collected.
    ///
    /// - Throws: ``StoreError`` if it is not known which artifact a member belongs to.
    func firstOutputMember() throws(StoreError) -> Int? {
        if let damage = artifactsDamage, !knowsArtifacts {
            throw artifactsUnreadable(damage, hint: "choose members with salvage logs --path")
        }
        return reader.members.indices.first { isOutput(reader.members[$0]) }
    }

    /// The member that ends the session's log: the last with the server's output, else the log that was written last. Nil
    /// if there is none with content.
    ///
    /// - Throws: ``StoreError`` as ``logMembers()`` does.
    public func lastLogMember() throws(StoreError) -> Int? {
        func hasContent(_ index: Int) -> Bool {
            reader.members[index].size > 0 && !reader.members[index].flags.contains(.shadowed)
        }
        let logs = try logMembers().filter(hasContent)
        if let output = logs.last(where: { isOutput(reader.members[$0]) }) {
            return output
        }
        let others = logs.isEmpty ? reader.members.indices.filter { reader.members[$0].kind == .log } : logs
        return others.filter(hasContent).max { reader.members[$0].mtime < reader.members[$1].mtime }
    }

    /// The path of the server's output if an earlier version stored it as binary data, so that it is not among the logs.
    public var unsearchedOutput: [UInt8]? {
        let output = reader.members.filter { $0.size > 0 && isOutput($0) }
        return output.contains { $0.kind.isText } ? nil : output.last { $0.kind == .binary }?.path
    }
}
