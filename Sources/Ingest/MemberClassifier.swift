import CrashAnalysis
import LogSearch
import Pack

/// Decides what a member is from its first bytes; the name only tells logs from other text.
struct MemberClassifier {
    /// How much of a member is looked at before its kind is decided.
    static let headSize = 64 * 1024

    let content: ContentKind
    let kind: MemberKind
    let timeFormat: TimeFormat

    init(head: UnsafeRawBufferPointer, path: [UInt8]) {
        content = ContentKind.detect(head: head, name: String(decoding: path, as: UTF8.self))
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

    /// `Game.log`, `Game.log.1`, `server-2026.log-old`, `stdout.txt`, `output.out`.
    private static func isNamedLikeALog(_ path: [UInt8]) -> Bool {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let name = String(decoding: path[start...], as: UTF8.self).lowercased()
        return name.contains(".log") || name.hasSuffix("log") || name.hasSuffix(".out") || name.hasSuffix(".err")
            || name.hasPrefix("stdout") || name.hasPrefix("stderr")
    }
}
