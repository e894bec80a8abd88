/// Which sessions a rule keeps.
///
/// A share depends on the session id alone, so that two runs, two machines and a rebuilt store agree.
public enum Sampling: Sendable, Hashable, CustomStringConvertible {
    /// Every session.
    case always
    /// Only sessions that look crashed: dead, restarted by the platform, or with a fatal report in the log.
    case crashed
    /// A share of all sessions, in millionths.
    case share(millionths: UInt32)

    /// Reads `always`, `crashed`, `never` or a percentage such as `10%`; nil for anything else.
    public init?(_ text: String) {
        switch text {
        case "always": self = .always
        case "crashed": self = .crashed
        case "never": self = .share(millionths: 0)
        default:
            guard let share = Quantity.millionths(percent: text) else { return nil }
            self = share == 1_000_000 ? .always : .share(millionths: share)
        }
    }

    /// The value as written in the configuration.
    public var description: String {
        switch self {
        case .always: "always"
        case .crashed: "crashed"
        case .share(let millionths): "\(Double(millionths) / 10_000)%"
        }
    }

    /// Returns whether a share includes this session. Always true for the other two cases, which do not depend on the
    /// id.
    public func includes(session: String) -> Bool {
        guard case .share(let millionths) = self else { return true }
        return Self.position(of: session) < millionths
    }

    /// Returns a session's position, 0 to 999,999: FNV-1a of its UTF-8 bytes with a final avalanche, so that ids that
    /// differ only in their last digits still spread evenly.
    static func position(of session: String) -> UInt32 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in session.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 33
        return UInt32(hash % 1_000_000)
    }
}
