import JSON
import Notify
import Store
import Terminal
import Text

/// What waits in the outbox of notifications, as `status` shows it.
struct ChannelStatus {
    private let report: OutboxReport?
    private let trouble: String?

    /// Reads the outbox of a store. That it cannot be read is a part of the status.
    init(_ store: Store) {
        do throws(StoreError) {
            report = try store.channelReports()
            trouble = nil
        } catch {
            report = nil
            trouble = "\(error)"
        }
    }

    /// Adds the channels, and why the outbox cannot be read, unless there is nothing to say.
    func add(to line: inout JSONLine) {
        if let report, !report.channels.isEmpty {
            line.add("notifications", report.channels.map { ChannelReport.shape.line($0) })
        }
        if let lines = report?.unreadableLines, lines > 0 { line.add("unreadable_outbox_lines", lines) }
        line.add("outbox_error", trouble)
    }

    /// Writes a line for each channel for which something waits, was given up or failed.
    func write(to output: Output) {
        let style = output.style
        for channel in report?.channels ?? []
        where channel.waiting > 0 || channel.failed > 0 || channel.lastError != nil {
            output.text("notify    " + style.yellow(Self.words(channel)))
        }
        if let lines = report?.unreadableLines, lines > 0 {
            output.text("notify    " + style.red("\(counted(lines, "line")) of the outbox cannot be read"))
        }
        if let trouble { output.text("notify    " + style.red(Escape.display(trouble))) }
    }

    /// What waits for a channel and why.
    static func words(_ channel: ChannelReport) -> String {
        var words = "\(Escape.display(channel.channel)): \(counted(channel.waiting, "event")) undelivered"
        if channel.failed > 0 { words += ", \(channel.failed) given up" }
        if let error = channel.lastError { words += ", last error: \(Escape.display(error))" }
        return words
    }
}
