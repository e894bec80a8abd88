public import Calendar
import Glibc
import Synchronization

/// The time zone of what people read and write: the machine's, as the C library finds it (`TZ`, else `/etc/localtime`),
/// or UTC after ``useUTC()``. JSON is always UTC.
public enum DisplayZone {
    private static let isUTC = Mutex(false)
    private static let machine = machineRules()

    /// Shows times in UTC from now on, for `--utc`.
    public static func useUTC() { isUTC.withLock { $0 = true } }

    /// The rules in force.
    public static var rules: TimeZoneRules { isUTC.withLock { $0 } ? .utc : machine }

    /// The abbreviation for headings: the one that holds at `now`.
    public static func name(at now: Int64) -> String { rules.offset(at: now).name }

    private static func machineRules() -> TimeZoneRules {
        tzset()
        guard isKnown(Environment.value("TZ")) else { return .utc }
        return TimeZoneRules { seconds in
            var time = time_t(seconds)
            var fields = tm()
            // Fails only for years that do not fit.
            guard localtime_r(&time, &fields) != nil else { return TimeZoneRules.Offset(seconds: 0, name: "UTC") }
            let name = fields.tm_zone.map { String(cString: $0) } ?? "UTC"
            return TimeZoneRules.Offset(seconds: Int(fields.tm_gmtoff), name: plain(name))
        }
    }

    /// Whether the C library knows the zone. For a name without a file it uses UTC and the name's first letters as
    /// abbreviation, which looks like a zone of that name.
    private static func isKnown(_ zone: String?) -> Bool {
        guard var name = zone?[...], !name.isEmpty else { return true }
        if name.hasPrefix(":") { name = name.dropFirst() }
        if name.hasPrefix("/") || name.hasPrefix("<") { return true }
        // The POSIX form is letters and an offset: `CET-1CEST`.
        let rest = name.drop { $0.isASCII && $0.isLetter }
        let digits = rest.hasPrefix("-") || rest.hasPrefix("+") ? rest.dropFirst() : rest
        if rest.startIndex != name.startIndex, let digit = digits.utf8.first, digit &- 0x30 <= 9 { return true }
        let folder = Environment.value("TZDIR") ?? "/usr/share/zoneinfo"
        return access("\(folder)/\(name)", R_OK) == 0
    }

    /// The abbreviation, if it is one: it comes from the environment and is printed.
    private static func plain(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "-"): true
            default: false
            }
        }
        // Glibc names the empty zone of `TZ=` "UTC", and so does an unreadable one.
        return isPlain && !name.isEmpty ? name : "UTC"
    }
}
