import Bytes
import Calendar
import Digest

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

    /// The file name of a session's pack.
    ///
    /// Letters, digits, `-`, `_`, and `.` after the first byte are kept; every other byte of the id's UTF-8 is written
    /// `%XX`. An id whose name would be too long keeps its beginning, followed by `~` and the SHA-256 of the whole id:
    /// a literal `~` is escaped, so no two ids share a name. The empty id is `%`.
    public static func fileName(session: String) -> String {
        escaped(session) + suffix
    }

    /// The path of a pack whose first name is taken by another session's pack: with `~N` before the suffix, which no
    /// escaped id ends in.
    public static func second(_ path: String, _ number: Int) -> String {
        path.dropLast(suffix.utf8.count) + "~\(number)" + suffix
    }

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

    /// Whether a path is a possible location of a session's pack: on any day, under its first or a second name.
    public static func isPlace(_ path: String, of session: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, let name = parts.last, name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return false }
        let own = escaped(session)
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
            if name.count <= room - 65 { cut = name.count }
            if name.count > room {
                return String(decoding: name.prefix(cut ?? 0), as: UTF8.self) + "~"
                    + Hex.text(SHA256.digest(id))
            }
        }
        return String(decoding: name, as: UTF8.self)
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
