import Glibc

/// One pattern of a user's signature rules; see ``SignatureRules``.
public struct SignaturePattern: Sendable, Equatable {
    /// The pattern as written.
    public let text: String
    private let expression: Expression?
    private let pieces: [[UInt8]]

    /// Parses a pattern. Nil if it is empty, longer than 1,024 bytes, contains NUL, or is an expression that the C
    /// library rejects.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 1024, !text.utf8.contains(0) else { return nil }
        self.text = text
        if text.hasPrefix("/"), text.hasSuffix("/"), text.utf8.count > 2 {
            guard let compiled = Expression(String(text.dropFirst().dropLast())) else { return nil }
            expression = compiled
            pieces = []
        } else {
            expression = nil
            pieces = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
        }
    }

    /// Compares the patterns as written.
    public static func == (left: SignaturePattern, right: SignaturePattern) -> Bool { left.text == right.text }

    /// True if the pattern matches a normalised function name.
    public func matches(_ name: String) -> Bool {
        if let expression { return expression.matches(name) }
        let bytes = Array(name.utf8)
        guard let first = pieces.first, let last = pieces.last, bytes.starts(with: first) else { return false }
        guard pieces.count > 1 else { return bytes.count == first.count }
        var at = first.count
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let found = Self.find(piece, in: bytes, from: at) else { return false }
            at = found + piece.count
        }
        return bytes.count - at >= last.count && bytes.suffix(last.count).elementsEqual(last)
    }

    private static func find(_ piece: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count - start >= piece.count else { return nil }
        return (start...bytes.count - piece.count).first { bytes[$0..<$0 + piece.count].elementsEqual(piece) }
    }

    /// An expression compiled by the C library. Several threads may use it at once.
    private final class Expression: @unchecked Sendable {
        private let compiled: UnsafeMutablePointer<regex_t>

        init?(_ text: String) {
            let made = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
            made.initialize(to: regex_t())
            guard regcomp(made, text, REG_EXTENDED | REG_NOSUB) == 0 else {
                made.deallocate()
                return nil
            }
            // Assigned last: once all properties are set, `deinit` runs even if the initializer fails.
            compiled = made
        }

        deinit {
            regfree(compiled)
            compiled.deallocate()
        }

        func matches(_ name: String) -> Bool { regexec(compiled, name, 0, nil, 0) == 0 }
    }
}
