import Bytes
import Calendar
import Digest
import Text

/// Maps session ids to pack paths; no other code does.
public enum PackPath {
    /// Longest file name generated, including the suffix; ext4, xfs and btrfs allow 255 bytes.
    public static let maxNameLength = 200
    /// The suffix of pack names.
    public static let suffix = ".pack"
    /// The first component of the path of every pack.
    public static let folder = "packs"
    /// Marks the name of an earlier pack that could not be carried over completely; a number follows.
    public static let asideMark = suffix + ".damaged-"
    /// The highest number of a second name, which a pack gets when another session's pack has its name.
    public static let mostSecondNames = 999
    private static let mostComponents = 9
    /// How much of an escaped id stays that is too long: its digest and `~` follow.
    private static let cutLength = maxNameLength - suffix.utf8.count - 65

    /// The file name of a session's pack.
    ///
    /// Letters, digits, `-`, `_`, and `.` after the first byte are kept; every other byte of the id's UTF-8 is written
    /// `%XX`. An id whose name would be too long keeps its beginning, followed by `~` and the SHA-256 of the whole id:
    /// a literal `~` is escaped, so no two ids share a name. The empty id is `%`. The last `.` of an id that ends as the
    /// name of a generation does is escaped too, so that no generation of one session has the name of another.
    public static func fileName(session: String) -> String {
        stem(of: session) + suffix
    }

    /// The name that a session's pack had before ids that end as the name of a generation does were escaped; nil if it
    /// is ``fileName(session:)``.
    public static func formerFileName(session: String) -> String? {
        let name = escaped(session)
        return mark(ofGeneration: Array(name.utf8)) == nil ? nil : name + suffix
    }

    private static func stem(of session: String) -> String {
        let name = Array(escaped(session).utf8)
        guard let dot = mark(ofGeneration: name)?.lastDot else { return String(decoding: name, as: UTF8.self) }
        guard name.count + 2 <= maxNameLength - suffix.utf8.count else {
            let escape = name[(cutLength - 2)..<cutLength].firstIndex(of: UInt8(ascii: "%"))
            return cut(name.prefix(escape ?? cutLength), session)
        }
        return String(decoding: name[..<dot] + Array("%2E".utf8) + name[(dot + 1)...], as: UTF8.self)
    }

    /// The path of a pack whose first name is taken by another session's pack: with `~N` before the suffix, which no
    /// escaped id ends in.
    public static func second(_ path: String, _ number: Int) -> String {
        path.dropLast(suffix.utf8.count) + "~\(number)" + suffix
    }

    // MARK: Generations

    /// The path of one generation of a session's pack, for homes in which a path is never used for other bytes: with
    /// `.<epoch>.<nonce>` before the suffix, the nonce in eight lower-case hexadecimal digits.
    ///
    /// - Parameters:
    ///   - path: the path or name of the session's pack without a generation, such as ``relative(session:created:)``.
    ///   - epoch: the number of the claim under which it is made; a later claim on the session has a higher one.
    ///   - nonce: a random number, which tells it from others made under the same claim.
    public static func generation(_ path: String, epoch: UInt64, nonce: UInt32) -> String {
        String(decoding: path.utf8.dropLast(suffix.utf8.count), as: UTF8.self) + ".\(epoch).\(Hex.padded(nonce))"
            + suffix
    }

    /// Reverses ``generation(_:epoch:nonce:)``; nil for the path or name of a pack without a generation. Numbers that it
    /// does not write, such as one with a leading zero, are not read.
    public static func generation(of path: String) -> (path: String, epoch: UInt64, nonce: UInt32)? {
        guard path.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) else { return nil }
        let stem = Array(path.utf8.dropLast(suffix.utf8.count))
        guard let mark = mark(ofGeneration: stem) else { return nil }
        return (String(decoding: stem[..<mark.firstDot], as: UTF8.self) + suffix, mark.epoch, mark.nonce)
    }

    /// What the paths of a pack's generations begin with, and that without a generation. Paths of other sessions may
    /// begin so too: those of `a.b` begin as those of `a`.
    ///
    /// - Parameter path: as of ``generation(_:epoch:nonce:)``.
    public static func generations(_ path: String) -> String {
        String(decoding: path.utf8.dropLast(suffix.utf8.count), as: UTF8.self) + "."
    }

    private struct GenerationMark {
        let epoch: UInt64
        let nonce: UInt32
        let firstDot: Int
        let lastDot: Int
    }

    private static func mark(ofGeneration stem: [UInt8]) -> GenerationMark? {
        let dot = UInt8(ascii: ".")
        guard let last = stem.lastIndex(of: dot), stem.count - last == 9,
            let first = stem[..<last].lastIndex(of: dot), first > 0, stem[first - 1] != UInt8(ascii: "/")
        else { return nil }
        let digits = stem[(first + 1)..<last]
        guard let epoch = UInt64(String(decoding: digits, as: UTF8.self)), String(epoch).utf8.elementsEqual(digits)
        else { return nil }
        var nonce: UInt32 = 0
        for byte in stem[(last + 1)...] {
            guard let value = Hex.value(byte), Hex.digit(value) == byte else { return nil }
            nonce = nonce << 4 | UInt32(value)
        }
        return GenerationMark(epoch: epoch, nonce: nonce, firstDot: first, lastDot: last)
    }

    // MARK: Places

    /// Whether a path, relative to the store, can be a pack's: below ``folder``, at most nine components, none of them
    /// empty, `.` or `..`, without NUL and with the suffix of packs. A row of a damaged catalog may contain any path.
    public static func isPlace(_ path: String) -> Bool {
        let bytes = path.utf8
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard let first = parts.first, (2...mostComponents).contains(parts.count), first.elementsEqual(folder.utf8),
            bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8), !bytes.contains(0)
        else { return false }
        return parts.allSatisfy { part in
            !part.isEmpty && !(part.count <= 2 && part.allSatisfy { $0 == UInt8(ascii: ".") })
        }
    }

    /// Whether a path is a possible location of a session's pack: on any day, under its first or a second name, or as a
    /// generation.
    public static func isPlace(_ path: String, of session: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, let name = parts.last, name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return false }
        if let generation = generation(of: String(name)) {
            return generation.path.hasSameBytes(as: fileName(session: session))
        }
        let own = stem(of: session)
        let stem = name.utf8.dropLast(suffix.utf8.count)
        guard stem.starts(with: own.utf8) else { return false }
        let rest = stem.dropFirst(own.utf8.count)
        guard let mark = rest.first else { return true }
        return mark == UInt8(ascii: "~") && rest.count > 1 && rest.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Reverses ``escaped(_:)``; nil when the name does not contain the whole text.
    public static func unescaped(_ name: some StringProtocol) -> String? {
        if name == "%" { return "" }
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(), let value = Hex.byte(high, low) else {
                return nil
            }
            bytes.append(value)
        }
        guard let text = String(validating: bytes, as: UTF8.self), escaped(text) == name else { return nil }
        return text
    }

    /// The escaped form of a session's id, for the name of a file or folder.
    public static func escaped(_ session: String) -> String {
        let room = maxNameLength - suffix.utf8.count
        let id = Array(session.utf8)
        if id.isEmpty { return "%" }
        var name: [UInt8] = []
        name.reserveCapacity(min(id.count, room) + 3)
        var cut: Int?
        for (index, byte) in id.enumerated() {
            if plain(byte, first: index == 0) {
                name.append(byte)
            } else {
                name.append(UInt8(ascii: "%"))
                Hex.appendUpper(byte, to: &name)
            }
            if name.count <= cutLength { cut = name.count }
            if name.count > room {
                return Self.cut(name.prefix(cut ?? 0), session)
            }
        }
        return String(decoding: name, as: UTF8.self)
    }

    private static func cut(_ name: some Sequence<UInt8>, _ session: String) -> String {
        String(decoding: Array(name), as: UTF8.self) + "~" + Hex.text(SHA256.digest(Array(session.utf8)))
    }

    /// `YYYY/MM/DD/<name>.pack` under the store's `packs` folder; the day is that of `created` (milliseconds since
    /// 1970) in UTC. Times before 1970 or after 9999 are clamped.
    public static func relative(session: String, created: Int64) -> String {
        day(created) + "/" + fileName(session: session)
    }

    /// `YYYY/MM/DD` of a time in milliseconds since 1970, in UTC.
    public static func day(_ time: Int64) -> String {
        let clamped = min(max(time, 0), ISO8601.range.upperBound)
        return CivilDate(daysSince1970: CivilDate.days(ofMilliseconds: clamped)).text(separator: "/")
    }

    private static func plain(_ byte: UInt8, first: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."): !first
        default: false
        }
    }
}
