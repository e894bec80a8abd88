internal import Bytes
internal import Calendar

/// How the filters in an object are arranged.
public enum FilterLevel: Int, Sendable, Comparable, CaseIterable {
    /// The records of a batch of packs, one after another.
    case segment = 0
    /// The packs of some minutes to an hour, sliced.
    case hour = 1
    /// The packs of a day, sliced.
    case day = 2

    /// The order in which filters move up.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    var folder: String {
        switch self {
        case .segment: "segments"
        case .hour: "hours"
        case .day: "days"
        }
    }
    var suffix: String { self == .segment ? "rows" : "slice" }
}

/// An object of filters, as the catalog records it.
public struct FilterObject: Sendable, Hashable {
    /// Its key, relative to the store.
    public var key: String
    /// The day on which its segments were written, in days since 1970 UTC. Compaction stays within a day.
    public var day: Int
    /// How it is arranged.
    public var level: FilterLevel
    /// Number of blocks, with and without filters.
    public var blocks: UInt64
    /// Its size in bytes.
    public var bytes: UInt64

    /// Creates a record.
    public init(key: String, day: Int, level: FilterLevel, blocks: UInt64, bytes: UInt64) {
        self.key = key
        self.day = day
        self.level = level
        self.blocks = blocks
        self.bytes = bytes
    }
}

/// The key of a new object: `filters/segments/2026-11-20/093015123-host-0a1b2c3d.rows`.
struct FilterKey: CustomStringConvertible {
    let level: FilterLevel
    /// Milliseconds since 1970 UTC.
    let time: Int64
    let maker: String
    let random: UInt32
    /// Days since 1970.
    let day: Int

    init(level: FilterLevel, time: Int64, maker: String, random: UInt32, day: Int? = nil) {
        self.level = level
        self.time = time
        self.maker = maker
        self.random = random
        self.day = day ?? CivilDate.days(ofMilliseconds: time)
    }

    var description: String {
        let dayText = ISO8601.text(clamping: Int64(day) &* CivilDate.millisecondsPerDay).prefix(10)
        let clock = ISO8601.text(clamping: time).utf8.dropFirst(11).filter { (0x30...0x39).contains($0) }
        // A key needs no escaping in an address.
        let name = maker.utf8.prefix(64).map { Self.isPlain($0) ? $0 : UInt8(ascii: "_") }
        return "filters/\(level.folder)/\(dayText)/\(String(decoding: clock, as: UTF8.self))"
            + "-\(String(decoding: name, as: UTF8.self))-\(Hex.padded(random)).\(level.suffix)"
    }

    /// The hour of the day at which an object was made, from 0 to 23; nil when its key does not say.
    static func hour(of key: String) -> Int? {
        guard let name = key.split(separator: "/").last, let hour = Int(name.prefix(2)), (0...23).contains(hour) else {
            return nil
        }
        return hour
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || byte == 0x2E
    }
}
