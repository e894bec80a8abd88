/// A shell-like pattern over Unicode scalars: `*` matches any run, `?` one character, `[a-z]` a class, `[!a]` or `[^a]`
/// its complement, `\` takes the next character literally. It matches the whole text; `/` is an ordinary character.
public struct Glob: Sendable, Hashable, CustomStringConvertible {
    private enum Piece: Sendable, Hashable {
        case run
        case one
        case literal(UInt32)
        case oneOf(ranges: [ClosedRange<UInt32>], complement: Bool)
    }

    /// The pattern as written in the configuration.
    public let description: String
    private let pieces: [Piece]

    /// Reads a pattern.
    ///
    /// - Throws: ``Malformed`` for an unclosed class, a reversed range or a trailing `\`.
    public init(_ pattern: String) throws(Malformed) {
        description = pattern
        let scalars = Array(pattern.unicodeScalars)
        var pieces: [Piece] = []
        var index = 0
        while index < scalars.count {
            switch scalars[index] {
            case "*":
                if pieces.last != .run { pieces.append(.run) }
            case "?": pieces.append(.one)
            case "\\":
                index += 1
                guard index < scalars.count else { throw Malformed(reason: "ends in a single '\\'") }
                pieces.append(.literal(scalars[index].value))
            case "[": pieces.append(try Self.characterClass(scalars, &index))
            default: pieces.append(.literal(scalars[index].value))
            }
            index += 1
        }
        self.pieces = pieces
    }

    /// An invalid pattern.
    public struct Malformed: Error, Sendable, Equatable {
        /// The reason, worded to follow "the pattern".
        public var reason: String
    }

    /// Returns whether the whole of `text` matches. Takes at most pattern length times text length steps, without
    /// recursion.
    public func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var piece = 0
        var at = 0
        var retryPiece: Int?
        var retryAt = 0
        while at < scalars.count {
            if piece < pieces.count, pieces[piece] == .run {
                retryPiece = piece
                retryAt = at
                piece += 1
            } else if piece < pieces.count, Self.accepts(pieces[piece], scalars[at].value) {
                piece += 1
                at += 1
            } else if let start = retryPiece {
                retryAt += 1
                piece = start + 1
                at = retryAt
            } else {
                return false
            }
        }
        while piece < pieces.count, pieces[piece] == .run { piece += 1 }
        return piece == pieces.count
    }

    private static func accepts(_ piece: Piece, _ scalar: UInt32) -> Bool {
        switch piece {
        case .run: false
        case .one: true
        case .literal(let value): value == scalar
        case .oneOf(let ranges, let complement): ranges.contains { $0.contains(scalar) } != complement
        }
    }

    private static func characterClass(_ scalars: [Unicode.Scalar], _ index: inout Int) throws(Malformed) -> Piece {
        index += 1
        var complement = false
        if index < scalars.count, scalars[index] == "!" || scalars[index] == "^" {
            complement = true
            index += 1
        }
        var ranges: [ClosedRange<UInt32>] = []
        var first = true
        while index < scalars.count, first || scalars[index] != "]" {
            first = false
            let low = scalars[index].value
            if index + 2 < scalars.count, scalars[index + 1] == "-", scalars[index + 2] != "]" {
                let high = scalars[index + 2].value
                guard low <= high else { throw Malformed(reason: "has a reversed range in '[...]'") }
                ranges.append(low...high)
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        guard index < scalars.count else { throw Malformed(reason: "has a '[' without a ']'") }
        return .oneOf(ranges: ranges, complement: complement)
    }
}
