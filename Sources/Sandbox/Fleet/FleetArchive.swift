import Bytes
import CZlib
import Tar
import Text

/// Archives of synthetic sessions. Everything but a small first file is made once and shared: a deflate stream can be
/// continued after a flush and CRCs can be combined, so each session's archive is one valid gzip member with its own
/// log and costs almost nothing.
struct FleetArchive: Sendable {
    /// What follows the session's own file, plain and compressed.
    private struct Rest: Sendable {
        var tar: [UInt8]
        var deflated: [UInt8]
        var crc: UInt
    }

    private let whole: [Rest]
    private let logsOnly: [Rest]
    /// As `whole`, with names relative to the root.
    private let rooted: [Rest]

    static let emptyGzip = Gzip.member([UInt8](repeating: 0, count: 1024))

    /// Prepares the shared parts. `bytes` is the size of an archive's files before compression: half text, half noise.
    init(bytes: Int, seed: UInt64) {
        let half = max(0, bytes) / 2
        var generator = SplitMix64(seed: seed)
        var whole: [Rest] = []
        var logsOnly: [Rest] = []
        var rooted: [Rest] = []
        for variant in 0..<3 {
            let text = FleetLog(
                session: "shared-\(variant)", number: variant, map: "Foundry", begin: 1_700_000_000_000,
                end: 1_800_000_000_000, linesPerSecond: 4, crashes: false)
            let log = Array(text.lines(0..<half / 60 + 1).utf8.prefix(half))
            var noise = [UInt8](repeating: 0, count: half)
            for index in noise.indices where index % 8 == 0 {
                let word = generator.next()
                for byte in 0..<min(8, half - index) {
                    noise[index + byte] = UInt8(truncatingIfNeeded: word >> (byte * 8))
                }
            }
            for prefix in ["", "game/"] {
                let rest = Self.rest([
                    (prefix + "Saved/Logs/Game-backup.log", log), (prefix + "Saved/Replays/match.replay", noise),
                ])
                if prefix.isEmpty { whole.append(rest) } else { rooted.append(rest) }
            }
            logsOnly.append(Self.rest([("Logs/Game-backup.log", log)]))
        }
        self.whole = whole
        self.logsOnly = logsOnly
        self.rooted = rooted
    }

    /// Returns an archive in pieces; nil when the path does not exist. There are `/game/Saved`, its `Logs`, and their
    /// parents.
    func archive(_ log: FleetLog, path: String, form: Faults.Archive) -> [[UInt8]]? {
        let prefix: String
        let rests: [Rest]
        // Ignore repeated and trailing slashes.
        switch path.utf8.split(separator: UInt8(ascii: "/")).map({ String(Substring($0)) }).joined(separator: "/") {
        case "", "game": (prefix, rests) = ("game/Saved/Logs/", rooted)
        case "game/Saved": (prefix, rests) = ("Saved/Logs/", whole)
        case "game/Saved/Logs": (prefix, rests) = ("Logs/", logsOnly)
        default: return nil
        }
        let rest = rests[log.number % rests.count]
        let count = log.count(at: .max)
        // The end of the log has the crash report and is small.
        let text = log.lines(0..<1) + log.lines(max(1, count - 200)..<max(1, count))
        let head = Self.tar([(prefix + "Game.log", Array(text.utf8))], ended: false)
        switch form {
        case .tar: return [head, rest.tar]
        case .members: return [Gzip.member(head), Gzip.member(rest.tar)]
        case .gzip, .garbage:
            let crc = crc32_combine(Gzip.checksum(head), rest.crc, Int(rest.tar.count))
            return [
                Gzip.header, Gzip.deflate(head, last: false), rest.deflated,
                Gzip.trailer(crc: crc, size: head.count + rest.tar.count),
            ]
        }
    }

    private static func rest(_ files: [(String, [UInt8])]) -> Rest {
        let tar = tar(files, ended: true)
        return Rest(tar: tar, deflated: Gzip.deflate(tar, last: true), crc: Gzip.checksum(tar))
    }

    private static func tar(_ files: [(String, [UInt8])], ended: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for (path, content) in files {
            let header = TarHeader(
                path: Array(path.utf8), kind: .file, size: Int64(content.count), modified: 1_700_000_000)
            bytes += header.bytes + content + TarHeader.padding(header.size)
        }
        return ended ? bytes + TarHeader.end : bytes
    }
}
