import Bytes
import Catalog
import Ingest
import JSON
import Model
import Pack
import Text

/// The description of a session in an export or a bundle: the session, its artifacts and its members. Times are ISO-8601 in
/// UTC.
enum ExportMetadata {
    /// The description in an exported folder.
    static func bytes(_ pack: SessionPack, _ redaction: TextRedaction?) -> [UInt8] {
        var line = session(pack, redaction)
        line.add(
            "members",
            pack.reader.members.map { member in
                var row = row(member, of: pack, redaction)
                row.add("sha256", Hex.text(member.sha256))
                return row
            })
        return line.utf8 + [0x0A]
    }

    /// The description in a bundle, with the file of each member that is in the bundle, relative to the session's files.
    static func bytes(
        _ pack: SessionPack, files: [Int: (path: String, size: UInt64)], prefix: [String], _ redaction: TextRedaction?
    ) -> [UInt8] {
        var line = session(pack, redaction)
        let lead = prefix.joined(separator: "/").utf8.count + 1
        var size = line.utf8.count
        var rows: [JSONLine] = []
        var unlisted = 0
        for index in pack.reader.members.indices {
            let member = pack.reader.members[index]
            let isListed = [.symlink, .device, .fifo].contains(member.kind)
            let written = files[index]
            guard isListed || written != nil else { continue }
            var row = row(member, of: pack, size: written?.size, redaction)
            row.add("file", written.map { String(decoding: $0.path.utf8.dropFirst(lead), as: UTF8.self) })
            size += row.utf8.count + 1
            // A reader takes a file that is not listed by its name.
            guard size < BundleFormat.mostBytes - 1024 else {
                unlisted += 1
                continue
            }
            rows.append(row)
        }
        line.add("members", rows)
        if unlisted > 0 { line.add("members_unlisted", unlisted) }
        return line.utf8 + [0x0A]
    }

    private static func session(_ pack: SessionPack, _ redaction: TextRedaction?) -> JSONLine {
        let session = pack.session
        var line = JSONLine()
        line.add("session", session.session)
        line.add("image", session.image)
        line.add("tag", session.tag)
        line.add("location", session.location)
        line.add("host", text(session.host, redaction))
        line.add("labels", labels(session.labels, redaction))
        line.add("created", time: session.created)
        line.add("exited", time: session.exited ?? session.firstSeenExited)
        line.add("state", session.state.rawValue)
        // From the catalog if the pack's own list is damaged; left out if the catalog does not know them either.
        if pack.knowsArtifacts { line.add("artifacts", pack.artifacts.map { artifact($0, redaction) }) }
        line.add("artifacts_damage", pack.artifactsDamage?.description)
        return line
    }

    private static func labels(
        _ labels: ByteDictionary<String>, _ redaction: TextRedaction?
    ) -> ByteDictionary<String> {
        guard let redaction else { return labels }
        var redacted: ByteDictionary<String> = [:]
        for (key, value) in labels {
            redacted[text(key, redaction) ?? key] = text(value, redaction)
        }
        return redacted
    }

    private static func text(_ text: String?, _ redaction: TextRedaction?) -> String? {
        guard let text, let redaction else { return text }
        return String(decoding: redaction.text(Array(text.utf8)), as: UTF8.self)
    }

    private static func artifact(_ entry: ArtifactEntry, _ redaction: TextRedaction?) -> JSONLine {
        var row = JSONLine()
        row.add("artifact", entry.artifact)
        row.add("state", entry.state.rawValue)
        row.add("reason", text(entry.reason, redaction))
        row.add("status", entry.status)
        row.add("identifier", entry.identifier)
        row.add("tries", entry.tries)
        row.add("bytes", entry.bytes)
        row.add("first_try", time: entry.firstTry)
        row.add("last_try", time: entry.lastTry)
        row.add("verdict", entry.verdict?.rawValue)
        if !entry.flags.isEmpty { row.add("flags", entry.flags) }
        row.add("sha256", entry.sha256)
        return row
    }

    private static func row(_ member: Member, of pack: SessionPack, size: UInt64? = nil, _ redaction: TextRedaction?)
        -> JSONLine
    {
        var row = JSONLine()
        if pack.knowsArtifacts { row.add("artifact", pack.artifact(of: member)) }
        row.add("path", Escape.path(member.path))
        if !member.path.withUnsafeBytes({ $0.isUTF8 }) { row.add("path_base64", Base64.text(member.path)) }
        row.add("kind", member.kind.name)
        row.add("size", size ?? member.size)
        row.add("link_target", member.linkTarget.map { Escape.path(redaction?.text($0) ?? $0) })
        return row
    }
}
