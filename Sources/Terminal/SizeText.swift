/// Byte counts as people read them.
public enum SizeText {
    /// `814 B`, `3.2 KiB`, `97.4 MiB`: binary units, one decimal.
    public static func binary(_ bytes: some BinaryInteger) -> String {
        let value = UInt64(clamping: bytes)
        if value < 1024 { return "\(value) B" }
        var scaled = Double(value)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        while scaled >= 1023.95, unit < units.count - 1 {
            scaled /= 1024
            unit += 1
        }
        let tenths = Int((scaled * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
