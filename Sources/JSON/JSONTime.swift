import Calendar

extension JSONLine {
    /// Adds an instant, given in milliseconds since 1970, as ISO-8601 in UTC unless it is nil.
    public mutating func add(_ name: String, time milliseconds: Int64?) {
        add(name, milliseconds.map { ISO8601.text(clamping: $0) })
    }
}
