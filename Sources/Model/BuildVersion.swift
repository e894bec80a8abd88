/// The version in a build's tag, such as `1.4.1` in `release-1.4.1-rc2`.
///
/// A tag has a version if it contains numbers joined by dots, or is one number, also after a `v`. The first such run of
/// numbers is the version. What follows it decides between equal numbers, by the rules of Semantic Versioning 2.0 with
/// two additions, because tags follow the habits of their authors:
///
/// - words such as `-rc2`, `-beta.1` or `.dev3` come before the version itself; `-hotfix1` and what `git describe`
///   appends (`-17-gabc1234`) after it;
/// - build metadata (`+17`) comes after the version without it, and is compared, too.
///
/// Numbers are compared as text, so they may have any length. A missing number is 0: `1.2` and `1.2.0` are equal. What
/// stands before the version is not compared.
struct BuildVersion: Sendable {
    /// A part of what follows the numbers.
    private enum Token: Sendable {
        /// Digits without leading zeros.
        case number(ArraySlice<UInt8>)
        /// Anything else, in lower case.
        case word([UInt8])
    }

    /// The numbers, without leading zeros.
    private let numbers: [ArraySlice<UInt8>]
    /// Before the version itself, at it, or after it: -1, 0 or 1.
    private let stage: Int
    private let suffix: [Token]
    private let metadata: [Token]

    /// Words that mark a build made after the version that they follow.
    private static let later: [StaticString] = ["hotfix", "patch", "post", "fix", "rev"]

    /// Finds the version in a tag; nil if it has none.
    init?(_ tag: String) {
        let bytes = Array(tag.utf8)
        guard let run = Self.run(in: bytes) else { return nil }
        numbers = bytes[run].split(separator: UInt8(ascii: ".")).map { Self.significant($0) }
        let rest = bytes[run.upperBound...]
        let plus = rest.firstIndex(of: UInt8(ascii: "+")) ?? rest.endIndex
        suffix = Self.tokens(rest[..<plus])
        metadata = Self.tokens(rest[plus...])
        stage = Self.stage(suffix)
    }

    /// Compares two versions: below 0 if this is the earlier one, 0 if they are equal.
    func compared(to other: BuildVersion) -> Int {
        for index in 0..<max(numbers.count, other.numbers.count) {
            let left = index < numbers.count ? numbers[index] : []
            let right = index < other.numbers.count ? other.numbers[index] : []
            let order = Self.compare(left, right)
            if order != 0 { return order }
        }
        if stage != other.stage { return stage < other.stage ? -1 : 1 }
        let order = Self.compare(suffix, other.suffix)
        return order != 0 ? order : Self.compare(metadata, other.metadata)
    }

    // MARK: Reading

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// Where the version's numbers are.
    private static func run(in bytes: [UInt8]) -> Range<Int>? {
        var start = 0
        while start < bytes.count {
            guard isDigit(bytes[start]) else {
                start += 1
                continue
            }
            var end = start
            var dots = 0
            while end < bytes.count {
                if isDigit(bytes[end]) {
                    end += 1
                } else if bytes[end] == UInt8(ascii: "."), end + 1 < bytes.count, isDigit(bytes[end + 1]) {
                    dots += 1
                    end += 1
                } else {
                    break
                }
            }
            if dots > 0 { return start..<end }
            // A number alone is a version only as the whole tag: `build-3f2a` has none.
            let isV = start == 1 && (bytes[0] | 0x20) == UInt8(ascii: "v")
            if end == bytes.count, start == 0 || isV { return start..<end }
            start = end
        }
        return nil
    }

    private static func significant(_ digits: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        digits.drop { $0 == UInt8(ascii: "0") }
    }

    private static func tokens(_ bytes: ArraySlice<UInt8>) -> [Token] {
        var found: [Token] = []
        var rest = bytes
        while let first = rest.first {
            if isDigit(first) {
                let digits = rest.prefix { isDigit($0) }
                found.append(.number(significant(digits)))
                rest = rest.dropFirst(digits.count)
                continue
            }
            guard isSeparator(first) else {
                let word = rest.prefix { !isDigit($0) && !isSeparator($0) }
                found.append(.word(word.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }))
                rest = rest.dropFirst(word.count)
                continue
            }
            rest = rest.dropFirst()
        }
        return found
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "/"),
            UInt8(ascii: " "), UInt8(ascii: ":"):
            true
        default: false
        }
    }

    private static func stage(_ suffix: [Token]) -> Int {
        guard let first = suffix.first else { return 0 }
        switch first {
        case .word(let word):
            return later.contains { text in
                text.withUTF8Buffer { word.elementsEqual($0) }
            } ? 1 : -1
        case .number:
            // `git describe`: the number of commits since the tag, and the commit.
            guard suffix.count > 1, case .word(let word) = suffix[1], word.first == UInt8(ascii: "g") else { return -1 }
            return 1
        }
    }

    // MARK: Comparing

    private static func compare(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        return compareBytes(left, right)
    }

    private static func compareBytes(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Int {
        if left.elementsEqual(right) { return 0 }
        return left.lexicographicallyPrecedes(right) ? -1 : 1
    }

    /// A number comes before a word, and the shorter of two equal beginnings before the longer.
    private static func compare(_ left: [Token], _ right: [Token]) -> Int {
        for (one, other) in zip(left, right) {
            let order: Int
            switch (one, other) {
            case (.number(let one), .number(let other)): order = compare(one, other)
            case (.word(let one), .word(let other)): order = compareBytes(one, other)
            case (.number, .word): order = -1
            case (.word, .number): order = 1
            }
            if order != 0 { return order }
        }
        return left.count == right.count ? 0 : left.count < right.count ? -1 : 1
    }
}
