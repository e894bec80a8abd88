import Glibc
import Text

/// One pattern of a user's signature rules; see ``SignatureRules``.
public struct SignaturePattern: Sendable, Equatable {
    /// The pattern as written.
    public let text: String
    private let expression: Expression?
    private let glob: Glob

    /// Parses a pattern. Nil if it is empty, longer than 1,024 bytes, contains NUL, or is an expression that the C
    /// library rejects.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 1024, !text.utf8.contains(0) else { return nil }
        self.text = text
        if text.hasPrefix("/"), text.hasSuffix("/"), text.utf8.count > 2 {
            guard let compiled = Expression(String(text.dropFirst().dropLast())) else { return nil }
            expression = compiled
        } else {
            expression = nil
        }
        glob = Glob(text, wildcards: .stars)
    }

    /// Compares the patterns as written.
    public static func == (left: SignaturePattern, right: SignaturePattern) -> Bool { left.text == right.text }

    /// True if the pattern matches a normalised function name.
    public func matches(_ name: String) -> Bool {
        expression?.matches(name) ?? glob.matches(name)
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
