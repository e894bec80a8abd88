/// Crashes by image, tag and location. The number of places is bounded; crashes of further ones are counted together.
public struct CrashCounts: Sendable, Equatable {
    /// The most places.
    public static let mostPlaces = 199

    /// An image, a tag and a location, as bytes.
    struct Place: Hashable, Sendable {
        var parts: [[UInt8]]
    }

    private static let other = Place(parts: [[UInt8]](repeating: Array("other".utf8), count: 3))
    private var counts: [Place: Int] = [:]
    private var others = 0

    /// No crash.
    public init() {}

    /// Counts a crash.
    mutating func add(_ crash: HarvestedCrash) {
        let place = Place(
            parts: [crash.image, crash.tag ?? "", crash.location ?? ""].map { Array($0.utf8) })
        // A place may have the name that stands for all further ones.
        if place == Self.other {
            others += 1
        } else if counts[place] != nil || counts.count < Self.mostPlaces {
            counts[place, default: 0] += 1
        } else {
            others += 1
        }
    }

    /// The counts, sorted by place; the last, if there is any, is of all further places, called `other`.
    public var rows: [(image: String, tag: String, location: String, count: Int)] {
        let sorted = counts.sorted { left, right in
            for (one, other) in zip(left.key.parts, right.key.parts) where one != other {
                return one.lexicographicallyPrecedes(other)
            }
            return false
        }
        let rows = sorted.map { place, count in
            let texts = place.parts.map { String(decoding: $0, as: UTF8.self) }
            return (image: texts[0], tag: texts[1], location: texts[2], count: count)
        }
        return others == 0 ? rows : rows + [(image: "other", tag: "other", location: "other", count: others)]
    }
}
