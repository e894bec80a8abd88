internal import LogTime

/// Finds when a report was printed, from the timestamps on its first lines or above it.
struct ReportClock {
    private static let sample = 64 << 10
    /// Lines above a report that are searched for a timestamp.
    private static let above = 20

    private let reader: TimeReader?

    /// Detects the format of the member's timestamps. `began`, in milliseconds since 1970, dates those without a date.
    init(_ source: any ByteSource, began: Int64?) {
        let head = source.bytes(at: 0, count: Self.sample)
        let (format, counter) = head.withUnsafeBytes { head in
            let format = TimeFormat.detect(head)
            return (format, format.counterStart(head))
        }
        // A time of day is useless without a date, its own or the session's.
        guard format != .none, began != nil || !Self.undated.contains(format) else {
            reader = nil
            return
        }
        reader = TimeReader(format: format, context: TimeContext(sessionStart: began ?? 0, counterStart: counter))
    }

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

    /// Milliseconds since 1970 of a record's time.
    static func milliseconds(_ time: String) -> Int64? {
        var time = time
        return time.withUTF8 { TimeReader.date(in: UnsafeRawBufferPointer($0)) }
    }

    private func stamp(_ window: TextWindow, _ index: Int) -> Int64? {
        if let stamp = window.withRaw(index, { reader?.stamp(of: $0) }) { return stamp }
        var text = window.text(index)
        return text.withUTF8 { line in
            let line = UnsafeRawBufferPointer(line)
            return reader?.stamp(of: line) ?? TimeReader.date(in: line)
        }
    }
}
