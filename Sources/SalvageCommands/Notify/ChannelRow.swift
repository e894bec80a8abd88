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

    var json: [UInt8] { Self.shape.line(self).utf8 }

    /// Its JSON object.
    static let shape = JSONShape<ChannelRow>(
        "Channel", "A channel that receives events, and what waits for it.",
        ChannelReport.shape.fields.map { $0.of { $0.report } } + [
            .boolean(
                "configured", "whether the configuration has it; one that was removed may still have events waiting"
            ) {
                $0.channel != nil
            },
            .optionalText("type", "`slack`, `discord`, `webhook` or `command`") { $0.channel?.kind.rawValue },
            .texts("on", "the events it receives") { $0.events },
        ])
}
