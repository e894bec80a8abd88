/// A crash in words and as JSON, as a bundle holds it.
public struct CrashSheet: Sendable {
    /// The text for people, in UTF-8.
    public let text: [UInt8]
    /// One JSON object, without a newline.
    public let json: [UInt8]

    /// Makes a sheet from its two forms.
    public init(text: [UInt8], json: [UInt8]) {
        self.text = text
        self.json = json
    }
}
