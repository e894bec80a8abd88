import LogTime
import Pack
import Unpack

/// Classifies a member by its first bytes. The name only distinguishes logs from other text, and text that contains
/// zeros from other binary files.
struct MemberClassifier {
    /// The number of bytes by which a member is classified.
    static let headSize = 64 * 1024

    let content: ContentKind
    let kind: MemberKind
    let timeFormat: TimeFormat
    /// The value of the first stamp, for formats that count from a start.
    let counterStart: Int64
    /// The byte order of UTF-16 text, which is stored as binary; nil for other content.
    let order: UTF16Order?
    /// The compression format; nil if the member is not compressed.
    let compressed: CompressedFormat?

    /// Classifies a member.
    ///
    /// - Parameters:
    ///   - head: the first ``headSize`` bytes, or all if there are fewer.
    ///   - path: the path in the archive.
    ///   - isPlatformLog: whether it is the session's log from the API, which is always a log, so that it is redacted
    ///     and searched.
    init(head: UnsafeRawBufferPointer, path: [UInt8], isPlatformLog: Bool = false) {
        order = Sniffer.utf16Order(of: head)
        compressed = Sniffer.compression(of: head)
        guard order == nil else {
            (content, kind, timeFormat, counterStart) = (.binary, .binary, .none, 0)
            return
        }
        let detected = Self.detect(head, path)
        content = isPlatformLog && detected == .binary ? .text : detected
        switch content {
        case .elfCore, .minidump, .unrealContainer, .dummyDump:
            kind = .crashDump
            timeFormat = .none
        case .text, .microdump, .unrealContext, .breakpadSymbols:
            timeFormat = TimeFormat.detect(head)
            kind = timeFormat != .none || isPlatformLog || Self.isNamedLikeALog(path) ? .log : .text
        case .empty:
            kind = Self.isNamedLikeALog(path) ? .log : .text
            timeFormat = .none
        default:
            kind = .binary
            timeFormat = .none
        }
        counterStart = timeFormat.counterStart(head)
    }

    private static func detect(_ head: UnsafeRawBufferPointer, _ path: [UInt8]) -> ContentKind {
        let content = Sniffer.kind(of: head)
        guard content == .binary else { return content }
        // Text padded with zeros after its file shrank. A few letters before zeros may be anything, so require a line.
        if let last = head.lastIndex(where: { $0 != 0 }), last < head.count - 1 {
            let text = UnsafeRawBufferPointer(rebasing: head[...last])
            if text.contains(0x0A), !text.contains(0), isText(text) { return .text }
        }
        guard isNamedLikeALog(path) else { return content }
        // A file named like a log and without zeros is searched, as other tools do, even with control characters.
        guard head.contains(0) else { return isText(head) ? .text : content }
        // A log truncated while its writer continued has zeros where its lines were.
        let rest = head.filter { $0 != 0 }
        guard !rest.isEmpty else { return content }
        return rest.withUnsafeBytes { isText($0) } ? .text : content
    }

    /// Returns whether the bytes are text, ignoring control characters for terminals: bell, backspace, vertical tab,
    /// shifts.
    private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if Sniffer.kind(of: bytes) == .text { return true }
        let rest = bytes.prefix(4096).filter { !(0x07...0x0F).contains($0) || $0 == 0x0A || $0 == 0x0D }
        return !rest.isEmpty && rest.withUnsafeBytes { Sniffer.kind(of: $0) == .text }
    }

    /// Returns whether a name is that of a log, such as `Game.log`, `Game.log.1`, `server-2026.log-old`, `stdout.txt`
    /// or `output.out`.
    static func isNamedLikeALog(_ path: [UInt8]) -> Bool {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let name = String(decoding: path[start...], as: UTF8.self).lowercased()
        return name.contains(".log") || name.hasSuffix("log") || name.hasSuffix(".out") || name.hasSuffix(".err")
            || name.hasPrefix("stdout") || name.hasPrefix("stderr")
    }
}
