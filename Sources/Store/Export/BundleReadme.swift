import Terminal
import Text

/// What a bundle says about itself to people.
enum BundleReadme {
    static func text(_ report: BundleReport) -> [UInt8] {
        var lines = [
            "This is a bundle of \(counted(report.sessions.count, "game-server session")), made by salvage.", "",
            "\(BundleFormat.index)                     the list of sessions",
            "sessions/NAME/session.json      the session: image, tag, location, labels, times (UTC), its files",
            "sessions/NAME/crash.txt         its crashes with stacks, for people",
            "sessions/NAME/crash.json        the same for programs, one JSON object a line",
            "sessions/NAME/stored/           its logs, dumps and other files, as the container left them",
            "sessions/NAME/gdb.sh, lldb.sh   open its core dump with the symbols of this bundle",
            "sessions/NAME/lib/              the programs and libraries of its stacks by name",
            "symbols/                        programs and debug files by build id, as gdb and elfutils read them", "",
            "The files in stored/ come from a container: do not run them. The core dump may contain secrets of the server.",
            "",
            "To take all of it into another store:  salvage ingest BUNDLE",
        ]
        if let redacted = report.redacted {
            lines += [
                "",
                "Redaction rules replaced text in \(counted(Int(clamping: redacted), "place")). "
                    + (report.unredactable > 0
                        ? "\(counted(report.unredactable, "file")) to which rules cannot apply \(report.unredactable == 1 ? "was" : "were") left out."
                        : "Symbols are not redacted, and dumps that are here are not either."),
            ]
        }
        lines += ["", "Sessions:"]
        lines += report.sessions.prefix(100).map { "  " + Escape.display($0) }
        if report.sessions.count > 100 { lines.append("  and \(report.sessions.count - 100) more") }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }
}
