import Bytes
import Files
import Glibc
import Model
import Testing

@testable import Pack

/// A folder that is removed at the end of the test.
final class Scratch {
    let path: String

    init() throws {
        path = try Folders.makeTemporary("salvage-pack", in: "/tmp")
    }

    deinit {
        _ = try? Folders.removeTree(path)
    }

    func file(_ name: String) -> String { path + "/" + name }
}

/// A member to write: its content as runs of bytes and holes.
struct Draft {
    var path: String
    var kind: MemberKind = .log
    var runs: [Run]

    enum Run {
        case bytes([UInt8])
        case hole(Int)
    }

    init(_ path: String, kind: MemberKind = .log, _ bytes: [UInt8]) {
        self.path = path
        self.kind = kind
        runs = bytes.isEmpty ? [] : [.bytes(bytes)]
    }

    init(_ path: String, kind: MemberKind = .log, runs: [Run]) {
        self.path = path
        self.kind = kind
        self.runs = runs
    }

    /// The logical content, holes as zeros.
    var logical: [UInt8] {
        runs.flatMap { run in
            switch run {
            case .bytes(let bytes): bytes
            case .hole(let count): [UInt8](repeating: 0, count: count)
            }
        }
    }

    /// The content without its holes.
    var stored: [UInt8] {
        runs.flatMap { (run) -> [UInt8] in if case .bytes(let bytes) = run { bytes } else { [] } }
    }
}

extension PackWriter {
    /// Writes a member, in pieces of `step` bytes.
    @discardableResult
    func write(_ draft: Draft, step: Int = 70_001, artifact: UInt32 = 0) throws -> Member {
        try beginMember(MemberHeader(artifact: artifact, path: Array(draft.path.utf8), kind: draft.kind))
        for run in draft.runs {
            switch run {
            case .hole(let count): try appendHole(UInt64(count))
            case .bytes(let bytes):
                try bytes.withUnsafeBytes { raw in
                    var at = 0
                    while at < raw.count {
                        let end = min(at + step, raw.count)
                        try append(UnsafeRawBufferPointer(rebasing: raw[at..<end]))
                        at = end
                    }
                }
            }
        }
        return try endMember()
    }
}

/// Writes a pack of the drafts and returns its summary.
@discardableResult
func writePack(
    _ drafts: [Draft], to path: String, options: PackOptions = PackOptions(workers: 2), step: Int = 70_001,
    inspector: (any BlockInspector)? = nil
) throws -> PackSummary {
    let descriptor = try PackFile.create(path: path)
    defer { close(descriptor) }
    let writer = try PackWriter(descriptor: descriptor, options: options, inspector: inspector)
    for draft in drafts { try writer.write(draft, step: step) }
    return try writer.finish(
        session: SessionMetadata(session: "s-1", image: "game", tag: "1.2"),
        artifacts: [ArtifactEntry(artifact: "/logs", state: .collected)])
}

/// The logical content of a member.
func content(of member: Int, in reader: PackReader) throws -> [UInt8] {
    let decoder = try BlockDecoder()
    var out: [UInt8] = []
    try reader.stream(member: member, using: decoder) { out.append(contentsOf: $0) }
    return out
}

/// Lines that look like a log's, `count` bytes of them.
func logText(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    let words = ["LogNet", "Warning", "player", "connected", "UWorldPartition", "tick", "Display", "error", "match"]
    var out: [UInt8] = []
    out.reserveCapacity(count + 200)
    while out.count < count {
        var line = "[2026.11.20-21.16.\(random.next() % 60):\(random.next() % 1000)]"
        for _ in 0..<(4 + random.next() % 12) { line += " " + words[Int(random.next() % UInt64(words.count))] }
        line += " id=\(String(random.next(), radix: 16))\n"
        out.append(contentsOf: line.utf8)
    }
    return Array(out.prefix(count))
}

/// What a program printed and how it ended; nil when it cannot be started.
func run(_ program: String, _ arguments: [String]) -> (status: Int32, output: [UInt8])? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    let started = posix_spawnp(&process, program, &actions, nil, &words, environ)
    close(ends[1])
    guard started == 0 else { return nil }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let got = read(ends[0], &chunk, chunk.count)
        if got <= 0 { break }
        output.append(contentsOf: chunk[..<got])
    }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    return (status, output)
}

/// A whole file.
func slurp(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    return try PackBytes(descriptor: descriptor).read(at: 0, count: Int(PackFile.size(descriptor)))
}

/// Stored content of all members in the order in which it lies in the file: what `zstd -dc` prints.
func storedInOrder(_ drafts: [Draft], _ reader: PackReader) -> [UInt8] {
    let order = reader.members.indices.filter { reader.members[$0].contentSize > 0 }
        .sorted {
            let left = reader.members[$0]
            let right = reader.members[$1]
            return (left.firstBlock, left.blockOffset) < (right.firstBlock, right.blockOffset)
        }
    return order.flatMap { drafts[$0].stored }
}
