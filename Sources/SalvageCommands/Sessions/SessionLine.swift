import Catalog
import JSON
import Model
import Pack
import Terminal

extension JSONLine {
    /// A session with the documented fields of `sessions` and `show`, and a few more.
    init(session: SessionRecord) {
        self.init()
        add("session", session.session)
        add("image", session.image.isEmpty ? nil : session.image)
        add("tag", session.tag)
        add("location", session.location)
        add("labels", session.labels)
        add("host", session.host)
        add("created", time: session.created)
        add("exited", time: session.exited ?? session.firstSeenExited)
        add("state", session.state.rawValue)
        add("reason", session.reason)
        add("deadline", time: session.deadline)
        add("members", session.members)
        add("bytes", session.bytes)
        add("crashes", session.crashes)
        add("source", session.source)
        add("pack", session.pack)
        add("pack_bytes", session.pack == nil ? nil : session.packBytes)
        add("pruned", time: session.pruned)
        add("pruned_why", session.prunedWhy)
        add("first_seen", time: session.firstSeen)
        add("first_seen_exited", time: session.firstSeenExited)
    }

    /// A row of the ledger with the documented fields of `why` and `coverage`; without `entry`, the session's own state.
    init(session: String, entry: ArtifactEntry?, state: SessionState, reason: String?) {
        self.init()
        add("session", session)
        add("artifact", entry?.artifact)
        add("state", entry?.state.rawValue ?? state.rawValue)
        add("reason", entry == nil ? reason : entry?.reason)
        guard let entry else { return }
        add("status", entry.status)
        add("identifier", entry.identifier)
        add("tries", entry.tries)
        add("bytes", entry.bytes)
        add("first_try", time: entry.firstTry)
        add("last_try", time: entry.lastTry)
        add("verdict", entry.verdict?.rawValue)
        if !entry.flags.isEmpty { add("flags", entry.flags) }
        add("sha256", entry.sha256)
    }
}

/// Ledger states, coloured by whether they need attention.
enum StateText {
    /// A session's state, and whether a pack of it was pruned: `harvested, pruned`.
    static func words(_ session: SessionRecord) -> String {
        session.state.rawValue + (session.pruned != nil ? ", pruned" : "")
    }

    static func dress(_ state: SessionState) -> @Sendable (Style, String) -> String {
        switch state {
        case .harvested: { $0.green($1) }
        case .running: { $0.cyan($1) }
        case .pending, .partial: { $0.yellow($1) }
        case .skipped: { $0.dim($1) }
        case .lost: { $0.red($1) }
        }
    }

    static func dress(_ state: ArtifactState) -> @Sendable (Style, String) -> String {
        switch state {
        case .collected: { $0.green($1) }
        case .pending, .incomplete: { $0.yellow($1) }
        case .absent, .skipped: { $0.dim($1) }
        case .failed, .lost: { $0.red($1) }
        }
    }
}

/// Quotes session ids for a shell.
enum ShellText {
    static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-_./:@%+=,".utf8.contains(byte)
            }
        }
        if plain, !text.isEmpty, !text.hasPrefix("-") { return text }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "$'" + dollarQuoted(text) + "'" }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private static func dollarQuoted(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'", "\\": out += "\\" + String(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                out += "\\x" + (digits.count == 1 ? "0" : "") + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
