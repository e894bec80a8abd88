import Text

/// A version name, ordered as in semver:
///
/// | rule | example, lowest first |
/// |---|---|
/// | numbers compare numerically, at any length; a missing number is 0; a leading `v` is ignored | 1.9, v2.0.0, v10.0 |
/// | a pre-release comes before its release | 1.4.0-rc1, 1.4.0 |
/// | runs of digits in a pre-release compare numerically | 1.0-rc2, 1.0-rc10 |
/// | the part after `+` is compared only if versions are otherwise equal | 1.0, 1.0+1 |
/// | names that do not begin with a number come first | latest, 0.1 |
struct ImageVersion: Comparable, Sendable {
    let name: String
    /// Digits without leading zeros; empty for a name that does not begin with a number.
    private let numbers: [[UInt8]]
    /// The identifiers between `-` and `+`; nil for a release.
    private let preRelease: [ArraySlice<UInt8>]?
    private let build: [ArraySlice<UInt8>]

    init(_ name: String) {
        self.name = name
        var rest = Array(name.utf8)[...]
        if rest.first == UInt8(ascii: "v") { rest = rest.dropFirst() }
        var numbers: [[UInt8]] = []
        while rest.first.map(Self.isDigit) == true {
            let digits = rest.prefix(while: Self.isDigit)
            numbers.append(Self.number(digits))
            rest = rest.dropFirst(digits.count)
            guard rest.first == UInt8(ascii: "."), rest.dropFirst().first.map(Self.isDigit) == true else { break }
            rest = rest.dropFirst()
        }
        self.numbers = numbers
        guard !numbers.isEmpty else {
            (preRelease, build) = (nil, [])
            return
        }
        let halves = rest.split(separator: UInt8(ascii: "+"), maxSplits: 1, omittingEmptySubsequences: false)
        let before = halves.first ?? []
        // Read `1.4.0rc1` and `1.4.0.rc1` as `1.4.0-rc1`.
        let separated = before.first.map { "-._".utf8.contains($0) } == true
        preRelease = before.isEmpty ? nil : Self.identifiers(separated ? before.dropFirst() : before)
        build = halves.count > 1 ? Self.identifiers(halves[1]) : []
    }

    static func == (one: ImageVersion, other: ImageVersion) -> Bool { one.name.hasSameBytes(as: other.name) }

    static func < (one: ImageVersion, other: ImageVersion) -> Bool {
        if one.numbers.isEmpty != other.numbers.isEmpty { return one.numbers.isEmpty }
        return isBefore(numbers: one.numbers, other.numbers) ?? isBefore(preRelease: one.preRelease, other.preRelease)
            ?? isBefore(one.build, other.build) ?? one.name.precedesInBytes(other.name)
    }

    // Each of these returns whether the first comes before the second; nil when they are equal.

    private static func isBefore(numbers one: [[UInt8]], _ other: [[UInt8]]) -> Bool? {
        for index in 0..<max(one.count, other.count) {
            let left = index < one.count ? one[index] : []
            let right = index < other.count ? other[index] : []
            if let order = isBefore(number: left, right) { return order }
        }
        return nil
    }

    private static func isBefore(number one: [UInt8], _ other: [UInt8]) -> Bool? {
        if one.count != other.count { return one.count < other.count }
        return one == other ? nil : one.lexicographicallyPrecedes(other)
    }

    private static func isBefore(preRelease one: [ArraySlice<UInt8>]?, _ other: [ArraySlice<UInt8>]?) -> Bool? {
        switch (one, other) {
        case (nil, nil): nil
        case (nil, _): false
        case (_, nil): true
        case (let one?, let other?): isBefore(one, other)
        }
    }

    private static func isBefore(_ one: [ArraySlice<UInt8>], _ other: [ArraySlice<UInt8>]) -> Bool? {
        for (left, right) in zip(one, other) {
            if let order = isBefore(identifier: left, right) { return order }
        }
        return one.count == other.count ? nil : one.count < other.count
    }

    /// Numeric identifiers come first, as in semver. Others compare by bytes, but runs of digits numerically.
    private static func isBefore(identifier one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool? {
        func isNumeric(_ bytes: ArraySlice<UInt8>) -> Bool { !bytes.isEmpty && bytes.allSatisfy(isDigit) }
        if isNumeric(one) != isNumeric(other) { return isNumeric(one) }
        var (left, right) = (one, other)
        while let first = left.first, let second = right.first {
            if isDigit(first), isDigit(second) {
                let (a, b) = (left.prefix(while: isDigit), right.prefix(while: isDigit))
                if let order = isBefore(number: number(a), number(b)) { return order }
                (left, right) = (left.dropFirst(a.count), right.dropFirst(b.count))
            } else {
                if first != second { return first < second }
                (left, right) = (left.dropFirst(), right.dropFirst())
            }
        }
        return left.isEmpty == right.isEmpty ? nil : left.isEmpty
    }

    private static func identifiers(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> [UInt8] {
        Array(digits.drop { $0 == UInt8(ascii: "0") })
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
