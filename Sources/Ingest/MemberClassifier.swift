import CrashAnalysis
import LogSearch
import Pack
import Unpack

/// Decides what a member is from its first bytes; the name only tells logs from other text.
struct MemberClassifier {
    /// How much of a member is looked at before its kind is decided.
    static let headSize = 64 * 1024

    let content: ContentKind
    let kind: MemberKind
    let timeFormat: TimeFormat
    /// The byte order of a text in UTF-16; its bytes are kept as binary.
    let order: UTF16Order?
    /// How the member is compressed.
    let compressed: CompressedFormat?

    init(head: UnsafeRawBufferPointer, path: [UInt8]) {
        order = UTF16Order(head: head)
        compressed = CompressedFormat(head: head)
        guard order == nil else {
            (content, kind, timeFormat) = (.binary, .binary, .none)
            return
        }
        content = Self.detect(head, path)
        switch content {
        case .elfCore, .minidump, .unrealContainer, .dummyDump:
            kind = .crashDump
            timeFormat = .none
        case .text, .microdump, .unrealContext, .breakpadSymbols:
            timeFormat = TimeFormat.detect(head)
            kind = timeFormat != .none || Self.isNamedLikeALog(path) ? .log : .text
        case .empty:
            kind = Self.isNamedLikeALog(path) ? .log : .text
            timeFormat = .none
        default:
            kind = .binary
            timeFormat = .none
        }
    }

    private static func detect(_ head: UnsafeRawBufferPointer, _ path: [UInt8]) -> ContentKind {
        let content = ContentKind.detect(head: head)
        // A log that was emptied while its writer went on begins with zeros.
        guard content == .binary, isNamedLikeALog(path), let start = head.firstIndex(where: { $0 != 0 }), start > 0
        else { return content }
        let rest = ContentKind.detect(head: UnsafeRawBufferPointer(rebasing: head[start...]))
        return rest == .text ? .text : content
    }

    /// `Game.log`, `Game.log.1`, `server-2026.log-old`, `stdout.txt`, `output.out`.
    private static func isNamedLikeALog(_ path: [UInt8]) -> Bool {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let name = String(decoding: path[start...], as: UTF8.self).lowercased()
        return name.contains(".log") || name.hasSuffix("log") || name.hasSuffix(".out") || name.hasSuffix(".err")
            || name.hasPrefix("stdout") || name.hasPrefix("stderr")
    }
}
