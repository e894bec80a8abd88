import Pack
import Unpack

/// Writes text into a member: converts UTF-16 to UTF-8 if needed, and applies the redaction rules, if any.
struct TextPipe {
    private let writer: PackWriter
    private var transcoder: UTF16Transcoder?
    private let redactor: Redactor?

    /// Makes a pipe into the writer's open member.
    init(writer: PackWriter, order: UTF16Order?, redactor: Redactor?) {
        self.writer = writer
        transcoder = order.map { UTF16Transcoder($0) }
        self.redactor = redactor
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        let (writer, redactor) = (writer, redactor)
        if transcoder != nil {
            try transcoder?.push(bytes) { (text) throws(PackError) in try Self.pass(text, redactor, writer) }
        } else {
            try Self.pass(bytes, redactor, writer)
        }
    }

    /// Writes the text held back: at the member's end, or before a hole.
    mutating func finish() throws(PackError) {
        let (writer, redactor) = (writer, redactor)
        try transcoder?.finish { (text) throws(PackError) in try Self.pass(text, redactor, writer) }
        try redactor?.finish { (text) throws(PackError) in try writer.append(text) }
    }

    private static func pass(
        _ bytes: UnsafeRawBufferPointer, _ redactor: Redactor?, _ writer: PackWriter
    ) throws(PackError) {
        guard let redactor else { return try writer.append(bytes) }
        try redactor.push(bytes) { (text) throws(PackError) in try writer.append(text) }
    }
}
