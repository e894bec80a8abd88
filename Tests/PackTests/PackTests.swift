import Glibc
import Testing

@testable import Pack

/// A folder that goes away with the test.
final class Scratch {
    let path: String

    init() throws {
        var template = Array("/tmp/salvage-pack-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        path = try #require(made.map { String(cString: $0) })
    }

    deinit {
        let listing = opendir(path)
        while let listing, let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlink(path + "/" + name)
        }
        if let listing { closedir(listing) }
        rmdir(path)
    }

    func file(_ name: String) -> String { path + "/" + name }
}

/// Random numbers that are the same in every run (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A member to be: its content as runs of bytes and holes.
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

    init(_ path: String, kind: MemberKind, runs: [Run]) {
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
        session: SessionFacts(session: "s-1", image: "game", tag: "1.2"),
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
    var random = Seeded(state: seed)
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

@Suite struct RoundTrips {
    @Test(arguments: [0, 1, 2])
    func members(workers: Int) throws {
        let scratch = try Scratch()
        var random = Seeded(state: 7)
        let drafts = [
            Draft("empty", []),
            Draft("one", Array("x".utf8)),
            Draft("small.log", logText(5000)),
            Draft("blob", kind: .binary, (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }),
            Draft("big.log", logText(3_000_000, seed: 3)),
            Draft("exact", kind: .binary, [UInt8](repeating: 9, count: PackFormat.blockSize)),
            Draft("exact2", kind: .binary, [UInt8](repeating: 9, count: 2 * PackFormat.blockSize)),
            Draft("long-line", [UInt8](repeating: 65, count: 700_000) + Array("\nend\n".utf8)),
            Draft("tail", logText(200_000, seed: 5)),
        ]
        let path = scratch.file("a.pack")
        let summary = try writePack(drafts, to: path, options: PackOptions(workers: workers))
        let reader = try PackReader.open(path: path)
        #expect(reader.members == summary.members)
        #expect(reader.fileSize == summary.fileSize)
        for (index, draft) in drafts.enumerated() {
            #expect(try content(of: index, in: reader) == draft.logical, "\(draft.path)")
            #expect(reader.members[index].path == Array(draft.path.utf8))
            #expect(reader.members[index].size == UInt64(draft.logical.count))
            #expect(reader.members[index].sha256 == ContentHash.sha256(draft.logical))
        }
        #expect(try reader.session().session == "s-1")
        #expect(try reader.artifacts().count == 1)
        #expect(try reader.crashes().isEmpty)
    }
}
