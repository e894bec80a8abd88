import JSON
import Model
import Notify
import SalvageConfiguration
import Terminal
import Text

/// A channel with its configuration, unless it is no longer configured.
struct ChannelRow: Sendable {
    var channel: Configuration.Notifications.Channel?
    var report: ChannelReport
}

extension ChannelRow: Row {
    static var columns: [Column] {
        ["CHANNEL", "TYPE", "ON", .number("WAITING"), .number("DELIVERED"), .number("GIVEN UP"), "LAST ERROR"]
    }

    private var events: [String] { Event.Kind.allCases.filter { channel?.on.contains($0) == true }.map(\.rawValue) }

    var cells: [Table.Cell] {
        [
            .init(Escape.display(report.channel)), .init(channel?.kind.rawValue ?? "not configured"),
            .init(events.joined(separator: " ")), .init("\(report.waiting)"), .init("\(report.delivered)"),
            .init("\(report.failed)"), .init(report.lastError.map { Escape.display($0) } ?? ""),
        ]
    }

    var json: [UInt8] {
        var line = ChannelReport.shape.line(report)
        line.add("configured", channel != nil)
        line.add("type", channel?.kind.rawValue)
        line.add("on", events)
        return line.utf8
    }
}
