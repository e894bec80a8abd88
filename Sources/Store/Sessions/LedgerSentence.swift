public import Calendar
import Catalog
import Harvest
public import Model
import Pack
import Terminal
import Text

/// Describes ledger entries in sentences. They contain text from containers: escape them before they reach a terminal.
public enum LedgerSentence {
    /// Describes the state of a session, given the ledger rows of its artifacts.
    ///
    /// - Parameter zone: the zone of the times in it, which it names; that of JSON is UTC.
    public static func of(
        _ session: SessionRecord, _ artifacts: [ArtifactRecord], now: Int64, zone: TimeZoneRules = .utc
    ) -> String {
        let words: String
        switch session.state {
        case .running: words = "It is running; artifacts are fetched when it ends."
        case .pending: words = "It has ended, and not everything is fetched yet." + left(session.deadline, now)
        case .harvested: words = harvested(artifacts.map(\.entry))
        case .partial: words = "Something is missing that should exist."
        case .skipped: words = "Skipped on purpose; nothing was fetched."
        case .lost: words = "Nothing was collected, and it is too late to fetch anything."
        }
        return words + reason(session.reason) + pruned(session, zone)
    }

    /// Names what was collected and what was absent, and never says "complete": only requested paths were collected.
    private static func harvested(_ entries: [ArtifactEntry]) -> String {
        let absent = entries.filter { $0.state == .absent }.map(\.artifact)
        if !absent.isEmpty {
            let more = absent.count > 3 ? " and \(absent.count - 3) more" : ""
            return "Collected what exists; absent: \(absent.prefix(3).joined(separator: ", "))\(more)."
        }
        let pruned = entries.filter(\.isPruned).map(\.artifact)
        if !pruned.isEmpty {
            let more = pruned.count > 3 ? " and \(pruned.count - 3) more" : ""
            let names = pruned.prefix(3).joined(separator: ", ")
            return "Some of what was collected is gone; pruned: \(names)\(more)."
        }
        if !entries.isEmpty, entries.allSatisfy({ $0.artifact == FetchItem.logs }) {
            return "Its log was collected; no other artifact was asked for."
        }
        return "Everything that was asked for was collected."
    }

    private static func pruned(_ session: SessionRecord, _ zone: TimeZoneRules) -> String {
        guard let at = session.pruned else { return "" }
        let pack = session.pack == nil ? "Its pack" : "An earlier pack"
        return " \(pack) was pruned \(TimeText.zoned(at, zone))\(session.prunedWhy.map { ": \($0)" } ?? "")."
    }

    /// Describes the state of an artifact.
    public static func of(_ record: ArtifactRecord, deadline: Int64?, now: Int64) -> String {
        let entry = record.entry
        let words: String
        switch entry.state {
        case .pending where entry.tries == 0: words = "Not fetched yet." + left(deadline, now)
        case .pending:
            let next = record.nextTry.map { $0 > now ? " Next try in \(TimeText.span($0 - now))." : "" } ?? ""
            words = "Not fetched after \(tries(entry.tries)).\(next)" + left(deadline, now)
        case .collected: words = "Collected, \(SizeText.binary(entry.bytes)) in \(tries(entry.tries))."
        case .incomplete: words = "Collected in part, \(SizeText.binary(entry.bytes)) in \(tries(entry.tries))."
        case .absent: words = "The path does not exist in the container."
        case .skipped where entry.isPruned: words = "It was collected, but has been pruned."
        case .skipped where entry.isSampledOut: words = "Left out by the sampling rule."
        case .skipped: words = "Not requested."
        case .failed: words = "Could not be fetched or read; gave up after \(tries(entry.tries))."
        case .lost where entry.reason == SessionRecord.packGone:
            words = "It was collected, but the pack is missing from the store."
        // The reason says how often it was tried.
        case .lost: words = "The container was gone before this could be fetched."
        }
        return words + reason(entry.reason) + answer(entry)
    }

    private static func tries(_ count: Int) -> String { counted(count, "try", "tries") }

    private static func reason(_ reason: String?) -> String {
        reason.map { " Reason: \($0)." } ?? ""
    }

    private static func left(_ deadline: Int64?, _ now: Int64) -> String {
        guard let deadline else { return "" }
        return deadline > now
            ? " \(TimeText.span(deadline - now)) left until the container is expected to be gone."
            : " The container was expected to be gone \(TimeText.span(now - deadline)) ago."
    }

    private static func answer(_ entry: ArtifactEntry) -> String {
        var parts: [String] = []
        if let status = entry.status, !(200..<300).contains(status) { parts.append("HTTP \(status)") }
        if let identifier = entry.identifier { parts.append("identifier \(identifier)") }
        if let verdict = entry.verdict, verdict != .ok { parts.append("archive \(verdict.rawValue)") }
        parts += entry.flags
        return parts.isEmpty ? "" : " [\(parts.joined(separator: ", "))]"
    }
}

extension ArtifactEntry {
    /// Whether its bytes were pruned and no later pack of the session holds them.
    fileprivate var isPruned: Bool { reason?.hasPrefix(SessionRecord.bytesPruned) == true }

    /// Whether sampling left it out; the fetch plan begins such reasons with this word.
    fileprivate var isSampledOut: Bool { reason?.hasPrefix("sample:") == true }
}
