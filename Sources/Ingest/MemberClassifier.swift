import CrashAnalysis
import LogSearch
import LogTime
import Pack
import Unpack

/// Decides what a member is from its first bytes; the name only tells logs from other text, and text with zeros in it from
/// other binary files.
struct MemberClassifier {
    /// How much of a member is looked at before its kind is decided.
    static let headSize = 64 * 1024

    let content: ContentKind
    let kind: MemberKind
    let timeFormat: TimeFormat
    /// What the first stamp shows where the format counts from a start.
    let counterStart: Int64
    /// The byte order of a text in UTF-16; its bytes are kept as binary.
    let order: UTF16Order?
    /// How the member is compressed.
    let compressed: CompressedFormat?

    /// Judges a member.
    ///
    /// - Parameters:
    ///   - head: its first bytes, all of them or ``headSize``.
    ///   - path: its path in the archive.
    ///   - isPlatformLog: Whether it is what the API's stream of logs gave: a log whatever a server wrote to it, so that it
    ///     is redacted and searched.
    init(head: UnsafeRawBufferPointer, path: [UInt8], isPlatformLog: Bool = false) {
        order = UTF16Order(head: head)
        compressed = CompressedFormat(head: head)
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
        let content = ContentKind.detect(head: head)
        guard content == .binary else { return content }
        // Text that a shrinking file was filled up behind; a few letters in front of zeros may be anything.
        if let last = head.lastIndex(where: { $0 != 0 }), last < head.count - 1 {
            let text = UnsafeRawBufferPointer(rebasing: head[...last])
            if text.contains(0x0A), !text.contains(0), isText(text) { return .text }
        }
        guard isNamedLikeALog(path) else { return content }
        // What calls itself a log and has no zeros is searched, as by other tools, whatever it does to a terminal.
        guard head.contains(0) else { return isText(head) ? .text : content }
        // A log that was emptied while its writer went on has zeros where its lines were.
        let rest = head.filter { $0 != 0 }
        guard !rest.isEmpty else { return content }
        return rest.withUnsafeBytes { isText($0) } ? .text : content
    }

    /// Whether it is text once the control characters that terminals and teleprinters know are left out: bell, backspace,
    /// vertical tab, shifts.
    private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if ContentKind.detect(head: bytes) == .text { return true }
        let rest = bytes.prefix(4096).filter { !(0x07...0x0F).contains($0) || $0 == 0x0A || $0 == 0x0D }
        return !rest.isEmpty && rest.withUnsafeBytes { ContentKind.detect(head: $0) == .text }
    }

    /// `Game.log`, `Game.log.1`, `server-2026.log-old`, `stdout.txt`, `output.out`.
    static func isNamedLikeALog(_ path: [UInt8]) -> Bool {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let name = String(decoding: path[start...], as: UTF8.self).lowercased()
        return name.contains(".log") || name.hasSuffix("log") || name.hasSuffix(".out") || name.hasSuffix(".err")
            || name.hasPrefix("stdout") || name.hasPrefix("stderr")
    }
}
