public import Model

/// Redaction rules for text that leaves a store, as they apply to text that comes in. Not thread-safe.
public final class TextRedaction {
    private let redactor: Redactor

    /// Compiles the rules.
    ///
    /// - Throws: `IngestError` for a pattern that is not valid.
    public init(_ rules: [RedactionRule]) throws(IngestError) { redactor = try Redactor(rules) }

    /// The number of replacements so far.
    public var places: UInt64 { redactor.counts.values.reduce(0) { $0 &+ $1 } }

    /// Takes the next bytes of a text and passes the complete lines, redacted, to `take`.
    public func push(_ bytes: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        try redactor.push(bytes, take)
    }

    /// Ends the text, or its part before a hole.
    public func finish(_ take: (UnsafeRawBufferPointer) throws -> Void) throws { try redactor.finish(take) }

    /// Returns a whole text, redacted.
    public func text(_ bytes: [UInt8]) -> [UInt8] {
        var redacted: [UInt8] = []
        let take = { (piece: UnsafeRawBufferPointer) in redacted.append(contentsOf: piece) }
        bytes.withUnsafeBytes { redactor.push($0, take) }
        redactor.finish(take)
        return redacted
    }
}
