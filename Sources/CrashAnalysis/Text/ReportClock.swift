internal import LogTime

/// When a report was printed: from its own lines, or the stamps around it.
struct ReportClock {
    private static let sample = 64 << 10
    /// Lines above a report that may tell when it was printed.
    private static let above = 20

    private let readers: [TimeReader]

    /// Learns the format of the member's stamps. `began` gives stamps without a date their day.
    init(_ source: any ByteSource, began: Int64?) {
        let head = source.bytes(at: 0, count: Self.sample)
        let format = head.withUnsafeBytes { TimeFormat.detect($0) }
        let context = TimeContext(sessionStart: began ?? 0)
        var formats: [TimeFormat] = format == .none ? [] : [format]
        formats += Self.dated.filter { $0 != format }
        // Without a date of its own or the log's, a time of day is none.
        readers = formats.filter { began != nil || !Self.undated.contains($0) }
            .map { TimeReader(format: $0, context: context) }
    }

    private static let dated: [TimeFormat] = [
        .unreal, .source, .iso, .isoInside, .ctime, .namedMonth, .monthFirst, .dayFirst,
    ]
    private static let undated: Set<TimeFormat> = [
        .klog, .syslog, .timeOnly, .uptime, .monthDay, .timeInside, .elapsed,
    ]

    /// Milliseconds since 1970 of the report's own first stamp, else of the nearest one above it.
    func time(in window: TextWindow, first: Int, end: Int) -> Int64? {
        for index in [first] + Array((first + 1)..<max(first + 1, min(end, first + 4))) {
            if let stamp = stamp(window, index) { return stamp }
        }
        for index in (max(0, first - Self.above)..<max(0, first)).reversed() {
            if let stamp = stamp(window, index) { return stamp }
        }
        return nil
    }

    private func stamp(_ window: TextWindow, _ index: Int) -> Int64? {
        for reader in readers {
            if let stamp = window.withRaw(index, { reader.stamp(of: $0) }) { return stamp }
            var text = window.text(index)
            if let stamp = text.withUTF8({ reader.stamp(of: UnsafeRawBufferPointer($0)) }) { return stamp }
        }
        return nil
    }
}
