/// A pattern with wildcards over bytes. The one dialect of salvage; `docs/globs.md` documents it for users.
///
/// `*` matches any text, `?` one character, `[a-z]` one character of a set, `[!a-z]` or `[^a-z]` one that is not in it;
/// `\` takes the next character literally. A glob matches the whole text. Without a separator, `/` is an ordinary
/// character.
///
/// With a separator the glob is one for paths and follows `.gitignore`: wildcards do not match the separator, and a part
/// `**` matches any number of folders, at the end at least one component. A glob without a separator is compared with
/// the path's last component. Empty components and `.` are skipped in both, so `./a//b/` is `a/b`.
///
/// A character is a Unicode scalar, or a byte that is not part of valid UTF-8; no such byte is in a set. Matching takes
/// at most pattern length times text length steps.
public struct Glob: Sendable, Hashable, CustomStringConvertible {
    /// Which characters of a glob are special.
    public enum Wildcards: Sendable {
        /// All of `*`, `?`, `[`, and `\`.
        case all
        /// `*` only, for function names, in which the others are frequent.
        case stars
    }

    /// An element of a glob without separators.
    package enum Piece: Sendable, Hashable {
        case byte(UInt8)
        case anyText
        case anyCharacter
        /// Ascending ranges as written; they may overlap.
        case set([ClosedRange<UInt32>], negated: Bool)
    }

    private enum Part: Sendable, Hashable {
        case name([Piece])
        case folders
    }

    /// The glob as written.
    public let description: String
    private let separator: UInt8?
    private let parts: [Part]
    /// Whether a path's last component is compared instead of the whole path.
    private let isName: Bool

    /// Reads a glob. Every text is one: an unclosed `[` and a `\` at the end match themselves, and a reversed range is
    /// turned around.
    ///
    /// - Parameter separator: the ASCII character between the components of a path; nil for texts without components.
    public init(_ text: String, separator: Unicode.Scalar? = nil, wildcards: Wildcards = .all) {
        var parser = GlobParser(wildcards: wildcards)
        self.init(text, separator: separator, parser: &parser)
    }

    /// Reads a glob that someone wrote into a file, where a mistake goes unnoticed.
    ///
    /// - Throws: ``Malformed`` for an unclosed set, a reversed range or a `\` at the end.
    public init(checking text: String, separator: Unicode.Scalar? = nil) throws(Malformed) {
        var parser = GlobParser(wildcards: .all)
        self.init(text, separator: separator, parser: &parser)
        if let reason = parser.mistake { throw Malformed(reason: reason) }
    }

    private init(_ text: String, separator: Unicode.Scalar?, parser: inout GlobParser) {
        description = text
        self.separator = separator.map { UInt8(ascii: $0) }
        guard let separator = self.separator else {
            parts = [.name(parser.pieces(Array(text.utf8)[...]))]
            isName = false
            return
        }
        var bytes = Array(text.utf8)[...]
        while bytes.last == separator { bytes.removeLast() }
        isName = !bytes.contains(separator)
        var parts: [Part] = []
        for part in bytes.split(separator: separator) where !part.elementsEqual(".".utf8) {
            if part.elementsEqual("**".utf8) {
                if parts.last != .folders { parts.append(.folders) }
            } else {
                parts.append(.name(parser.pieces(part)))
            }
        }
        self.parts = parts
    }

    /// A mistake in a glob.
    public struct Malformed: Error, Sendable, Equatable {
        /// The mistake, worded to follow "the pattern".
        public var reason: String
    }

    /// The elements of a glob without a separator; nil for one over paths.
    package var pieces: [Piece]? {
        guard separator == nil, case .name(let pieces)? = parts.first else { return nil }
        return pieces
    }

    /// The only text that matches; nil if there may be several, and for a glob over paths.
    public var literal: String? {
        guard let pieces else { return nil }
        var bytes: [UInt8] = []
        for piece in pieces {
            guard case .byte(let byte) = piece else { return nil }
            bytes.append(byte)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The glob without a separator that matches exactly `text`.
    public static func quoting(_ text: String) -> String {
        var quoted: [UInt8] = []
        for byte in text.utf8 {
            if [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "\\")].contains(byte) {
                quoted.append(UInt8(ascii: "\\"))
            }
            quoted.append(byte)
        }
        return String(decoding: quoted, as: UTF8.self)
    }

    /// Whether the whole text matches.
    public func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
    }

    /// Whether all of the bytes match.
    public func matches(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { matches($0) } }

    /// Whether all of the bytes match.
    public func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let separator else {
            guard case .name(let pieces)? = parts.first else { return bytes.isEmpty }
            return Self.matches(pieces, bytes)
        }
        let path = GlobPath(bytes: bytes, separator: separator)
        return isName ? matchesName(path) : matchesPath(path)
    }

    private func matchesName(_ path: GlobPath) -> Bool {
        guard let name = path.last else { return parts.isEmpty }
        return switch parts.first {
        case .name(let pieces): Self.matches(pieces, path[name])
        case .folders: true
        case nil: false
        }
    }

    /// Only the last `**` backtracks: if what follows it cannot match after the fewest folders, it cannot match at all.
    private func matchesPath(_ path: GlobPath) -> Bool {
        var (part, at) = (0, 0)
        var retry: (part: Int, at: Int)?
        while let name = path.component(from: at) {
            if part < parts.count {
                switch parts[part] {
                case .folders:
                    part += 1
                    if part == parts.count { return true }
                    retry = (part, at)
                    continue
                case .name(let pieces) where Self.matches(pieces, path[name]):
                    part += 1
                    at = name.upperBound
                    continue
                case .name: break
                }
            }
            guard let folders = retry, let skipped = path.component(from: folders.at) else { return false }
            retry = (folders.part, skipped.upperBound)
            (part, at) = (folders.part, skipped.upperBound)
        }
        return part == parts.count
    }

    /// Only the last `*` backtracks, by whole characters, so that `?` never sees half of one.
    private static func matches(_ pieces: [Piece], _ text: UnsafeRawBufferPointer) -> Bool {
        var (piece, at) = (0, 0)
        var retry: (piece: Int, at: Int)?
        while at < text.count {
            if piece < pieces.count {
                if case .anyText = pieces[piece] {
                    piece += 1
                    if piece == pieces.count { return true }
                    retry = (piece, at)
                    continue
                }
                let length = length(of: pieces[piece], text, at)
                if length > 0 {
                    piece += 1
                    at += length
                    continue
                }
            }
            guard let star = retry else { return false }
            at = star.at + UTF8Text.length(text, at: star.at)
            piece = star.piece
            retry = (piece, at)
        }
        while piece < pieces.count, pieces[piece] == .anyText { piece += 1 }
        return piece == pieces.count
    }

    /// The number of bytes at an offset that a piece matches; 0 if it does not.
    private static func length(of piece: Piece, _ text: UnsafeRawBufferPointer, _ at: Int) -> Int {
        switch piece {
        case .byte(let byte): return text[at] == byte ? 1 : 0
        case .anyText: return 0
        case .anyCharacter: return UTF8Text.length(text, at: at)
        case .set(let ranges, let negated):
            guard let scalar = UTF8Text.scalar(text, at: at) else { return negated ? 1 : 0 }
            return ranges.contains { $0.contains(scalar.value) } != negated ? scalar.length : 0
        }
    }
}

/// Reads the part of a glob between two separators.
private struct GlobParser {
    let wildcards: Glob.Wildcards
    /// What was wrong, worded to follow "the pattern"; the first mistake.
    private(set) var mistake: String?

    init(wildcards: Glob.Wildcards) { self.wildcards = wildcards }

    mutating func pieces(_ bytes: ArraySlice<UInt8>) -> [Glob.Piece] {
        var pieces: [Glob.Piece] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"):
                if pieces.last != .anyText { pieces.append(.anyText) }
            case UInt8(ascii: "?") where wildcards == .all: pieces.append(.anyCharacter)
            case UInt8(ascii: "\\") where wildcards == .all:
                if rest.isEmpty { note("ends in a single '\\'") }
                pieces.append(.byte(rest.popFirst() ?? byte))
            case UInt8(ascii: "[") where wildcards == .all:
                if let set = set(&rest) {
                    pieces.append(set)
                } else {
                    note("has a '[' without a ']'")
                    pieces.append(.byte(byte))
                }
            default: pieces.append(.byte(byte))
            }
        }
        return pieces
    }

    /// Reads a set after its `[`; nil, with nothing taken, if it is not closed. A `]` that comes first is a member.
    private mutating func set(_ rest: inout ArraySlice<UInt8>) -> Glob.Piece? {
        var body = rest
        let negated = body.first == UInt8(ascii: "!") || body.first == UInt8(ascii: "^")
        if negated { body.removeFirst() }
        guard let close = body.dropFirst().firstIndex(of: UInt8(ascii: "]")) else { return nil }
        let members = Array(String(decoding: body[..<close], as: UTF8.self).unicodeScalars.map(\.value))
        var ranges: [ClosedRange<UInt32>] = []
        var index = 0
        while index < members.count {
            let low = members[index]
            if index + 2 < members.count, members[index + 1] == 0x2D {
                let high = members[index + 2]
                if low > high { note("has a reversed range in '[...]'") }
                ranges.append(min(low, high)...max(low, high))
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        rest = rest[(close + 1)...]
        return .set(ranges, negated: negated)
    }

    private mutating func note(_ text: String) { mistake = mistake ?? text }
}

/// The components of a path, without empty ones and `.`.
private struct GlobPath {
    let bytes: UnsafeRawBufferPointer
    let separator: UInt8

    subscript(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }

    /// The first component that starts at or after an offset.
    func component(from offset: Int) -> Range<Int>? {
        var start = offset
        while start < bytes.count {
            if bytes[start] == separator {
                start += 1
                continue
            }
            var end = start + 1
            while end < bytes.count, bytes[end] != separator { end += 1 }
            if isSkipped(start..<end) {
                start = end
                continue
            }
            return start..<end
        }
        return nil
    }

    /// The last component.
    var last: Range<Int>? {
        var end = bytes.count
        while end > 0 {
            if bytes[end - 1] == separator {
                end -= 1
                continue
            }
            var start = end - 1
            while start > 0, bytes[start - 1] != separator { start -= 1 }
            if isSkipped(start..<end) {
                end = start
                continue
            }
            return start..<end
        }
        return nil
    }

    private func isSkipped(_ range: Range<Int>) -> Bool { range.count == 1 && bytes[range.lowerBound] == 0x2E }
}
