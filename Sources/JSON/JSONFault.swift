/// Why reading a JSON text stopped.
public struct JSONFault: Error, Sendable {
    /// What kind of fault it is.
    public enum Kind: Sendable, Equatable {
        /// The text is not JSON, or not in the form that this module reads.
        case malformed
        /// The bytes end too early; more bytes may complete the text.
        case incomplete
        /// The text is JSON, but not what its reader expects.
        case unexpected
    }

    /// What kind of fault it is.
    public var kind: Kind
    /// Position of the offending byte, from the first byte the cursor was given.
    public var offset: Int
    /// What is wrong there.
    public var reason: StaticString

    /// Whether more bytes may complete the text.
    public var isIncomplete: Bool { kind == .incomplete }

    /// A fault of a kind at a position.
    public init(_ kind: Kind, _ reason: StaticString, at offset: Int) {
        self.kind = kind
        self.offset = offset
        self.reason = reason
    }

    /// A text that is not JSON.
    public static func malformed(_ reason: StaticString, at offset: Int) -> JSONFault {
        JSONFault(.malformed, reason, at: offset)
    }

    /// A text that is JSON, but not what its reader expects.
    public static func unexpected(_ reason: StaticString, at offset: Int) -> JSONFault {
        JSONFault(.unexpected, reason, at: offset)
    }

    /// Bytes that end too early.
    public static func ended(at offset: Int) -> JSONFault {
        JSONFault(.incomplete, "unexpected end", at: offset)
    }
}
