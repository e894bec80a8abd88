import Bytes
import Catalog
import JSON
import Model
import Pack
import Terminal
import Text

/// The metadata file of an export: its session, artifacts and members.
enum ExportMetadata {
    static func bytes(_ pack: SessionPack) -> [UInt8] {
        let session = pack.session
        var line = JSONLine()
        line.add("session", session.session)
        line.add("image", session.image)
        line.add("tag", session.tag)
        line.add("location", session.location)
        line.add("labels", session.labels)
        line.add("created", time: session.created)
        line.add("exited", time: session.exited ?? session.firstSeenExited)
        line.add("state", session.state.rawValue)
        // From the catalog if the pack's own list is damaged; left out if the catalog does not know them either.
        if pack.knowsArtifacts { line.add("artifacts", json: ArtifactEntry.json(pack.artifacts)) }
        line.add("artifacts_damage", pack.artifactsDamage?.description)
        line.add(
            "members",
            pack.reader.members.map { member in
                var row = JSONLine()
                if pack.knowsArtifacts { row.add("artifact", pack.artifact(of: member)) }
                row.add("path", Escape.path(member.path))
                if !member.path.withUnsafeBytes({ $0.isUTF8 }) { row.add("path_base64", Base64.text(member.path)) }
                row.add("kind", member.kind.name)
                row.add("size", member.size)
                row.add("sha256", Hex.text(member.sha256))
                row.add("link_target", member.linkTarget.map { Escape.path($0) })
                return row
            })
        return line.utf8 + [0x0A]
    }
}
