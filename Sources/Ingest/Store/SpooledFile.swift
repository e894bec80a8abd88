import Glibc
import Text

/// One download on disk, waiting for its pack.
public struct SpooledFile: Sendable, Hashable {
    /// The artifact name of the stdout and stderr log.
    public static let logs = "logs"

    /// The container path, or `logs`.
    public var artifact: String
    /// Its path.
    public var path: String
    /// Its size in bytes.
    public var bytes: UInt64
    /// Whether the body is complete; false if it was cut off.
    public var complete: Bool
    /// Its modification time, in nanoseconds since 1970 UTC; 0 until read.
    package var modified: Int64 = 0
    /// Whether it is the folder of a followed log, not yet a file.
    package var isFollowed = false
    /// Whether it was followed while the session ran, rather than fetched after its end.
    public package(set) var isFromFollowing = false

    /// Makes a value from its fields.
    public init(artifact: String, path: String, bytes: UInt64, complete: Bool) {
        self.artifact = artifact
        self.path = path
        self.bytes = bytes
        self.complete = complete
    }
}

/// One download to ingest, in the spool or elsewhere.
public struct IngestFile: Sendable, Equatable {
    /// Its path.
    public var path: String
    /// How to read it, and its artifact.
    public var input: IngestJob.Input

    /// Makes a download at a path.
    public init(path: String, input: IngestJob.Input) {
        self.path = path
        self.input = input
    }
}

extension [SpooledFile] {
    /// Orders the downloads of each artifact, the best first. All are packed, as each may hold what no other does,
    /// except one that is a prefix of a better one.
    func ordered() -> [SpooledFile] {
        let sorted = enumerated().sorted { left, right in
            let (a, b) = (left.element, right.element)
            if !a.artifact.hasSameBytes(as: b.artifact) { return a.artifact.precedesInBytes(b.artifact) }
            if a.complete != b.complete { return a.complete }
            if a.bytes != b.bytes { return a.bytes > b.bytes }
            return left.offset > right.offset
        }.map(\.element)
        var chosen: [SpooledFile] = []
        for file in sorted {
            let isKnown = chosen.contains {
                $0.artifact.hasSameBytes(as: file.artifact) && FilePrefix.isPrefix(file.path, of: $0.path) == true
            }
            if !isKnown { chosen.append(file) }
        }
        return chosen
    }
}

/// The stdout and stderr log as a member.
enum ConsoleLog {
    /// Its path in the pack, where `earlier` is the number of logs before it: a followed log that the final one does
    /// not contain is kept beside it.
    static func path(_ earlier: Int) -> String { earlier == 0 ? "console.log" : "console.\(earlier + 1).log" }
}

/// The ledger's flags for a log that was followed and fetched, when the fetched log does not contain the followed one.
enum FollowedLogFlag {
    /// The fetched log is a prefix of the followed one.
    static let longer = "followed_log_longer"
    /// The logs differ.
    static let differs = "followed_log_differs"

    /// The flags of the log that is kept first.
    static func of(_ log: SpooledFile, beside files: [SpooledFile]) -> [String] {
        guard log.complete else { return [] }
        let others = files.filter {
            $0.artifact.hasSameBytes(as: log.artifact) && $0.path != log.path && $0.isFromFollowing
        }
        guard !others.isEmpty else { return [] }
        let prefixes = others.map { FilePrefix.isPrefix(log.path, of: $0.path) }
        // Of logs that cannot be read now, nothing is claimed.
        guard !prefixes.contains(nil) else { return [] }
        return [prefixes.contains(false) ? differs : longer]
    }
}

/// Compares files that may be large.
enum FilePrefix {
    /// Whether one file is a prefix of another; nil when one of them cannot be read now.
    static func isPrefix(_ short: String, of long: String) -> Bool? {
        let left = open(short, O_RDONLY | O_CLOEXEC)
        let right = open(long, O_RDONLY | O_CLOEXEC)
        defer { for descriptor in [left, right] where descriptor >= 0 { close(descriptor) } }
        guard left >= 0, right >= 0 else { return nil }
        var a = [UInt8](repeating: 0, count: 256 * 1024)
        var b = a
        var offset: off_t = 0
        while true {
            let count = a.withUnsafeMutableBytes { pread(left, $0.baseAddress, $0.count, offset) }
            if count == 0 { return true }
            guard count > 0 else { return nil }
            var matched = 0
            while matched < count {
                let wanted = count - matched
                let got = b.withUnsafeMutableBytes {
                    pread(right, $0.baseAddress.map { $0 + matched }, wanted, offset + off_t(matched))
                }
                guard got > 0 else { return got == 0 ? false : nil }
                matched += got
            }
            guard a[..<count] == b[..<count] else { return false }
            offset += off_t(count)
        }
    }
}
