import Catalog
import Terminal
import Text

extension FleetStatus {
    /// Harvesters that were silent for longer are shown in red, in milliseconds.
    private static let silence: Int64 = 60_000

    /// Writes the lines that `status` adds for a shared store.
    func write(to output: Output) {
        let style = output.style
        for harvester in harvesters {
            let seen = "seen \(TimeText.span(max(0, harvester.lastSeen))) ago"
            let version = harvester.version.map { ", version \($0)" } ?? ""
            let url = harvester.url.map { ", \($0)" } ?? ""
            output.text(
                "harvester \(Escape.display(harvester.id)): \(counted(harvester.leases, "session")) claimed, "
                    + (harvester.lastSeen > Self.silence ? style.red(seen) : seen) + Escape.display(version + url))
        }
        if harvesters.isEmpty { output.text("harvester " + style.yellow("none in the last seven days")) }
        output.text(
            "work      \(pending) to claim, \(leased) claimed"
                + (expired > 0 ? style.red(", \(expired) of them past their lease") : ""))
        if oftenLeft > 0 {
            output.text(
                "work      "
                    + style.yellow(
                        "\(counted(oftenLeft, "session was", "sessions were")) left by a harvester three times or more")
            )
        }
        for rate in rates where rate.blocked > 0 {
            output.text(
                "rate      "
                    + style.yellow("\(Escape.display(rate.endpoint)) waits \(TimeText.span(rate.blocked)): throttled"))
        }
        for level in levels {
            output.text(
                "filters   level \(level.level): \(counted(level.segments, "segment")), \(SizeText.binary(level.bytes)), "
                    + "oldest \(TimeText.span(max(0, level.oldest)))")
        }
        if garbage > 0 {
            output.text(
                "garbage   \(counted(garbage, "object")), \(SizeText.binary(garbageBytes)); \(garbageDue) may be deleted now"
            )
        }
    }
}
