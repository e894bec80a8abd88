import Pack
import Unpack

/// The paths of members derived from others: the original's path, `!`, and a name for the content.
///
/// `server.log.1.gz!server.log.1` is the content of `server.log.1.gz`, `Game.log!utf-8` the text of `Game.log`.
enum DerivedName {
    /// Returns the path of a compressed member's content.
    static func content(of path: [UInt8], _ format: CompressedFormat) -> [UInt8] {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        var name = path[start...]
        let lower = String(decoding: name, as: UTF8.self).lowercased()
        for ending in format.nameEndings where lower.hasSuffix("." + ending) && name.count > ending.utf8.count + 1 {
            name = name.dropLast(ending.utf8.count + 1)
            break
        }
        return path + [UInt8(ascii: "!")] + name
    }

    /// Returns the path of the member that a derived one was made from; for any other member, its own path.
    static func original(of member: Member) -> [UInt8] {
        guard !member.flags.isDisjoint(with: [.decompressed, .transcoded]),
            let mark = member.path.lastIndex(of: UInt8(ascii: "!"))
        else { return member.path }
        return Array(member.path[..<mark])
    }

    /// Returns the path of a member's text in UTF-8.
    static func text(of path: [UInt8]) -> [UInt8] { path + Array("!utf-8".utf8) }
}
