import Bytes
import Glibc
import Model
import Text

@testable import Pack

/// Corrects the checksums of a damaged pack, so that the fuzzer reaches the code behind them.
enum PackMending {
    static func mended(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        guard bytes.count >= PackFormat.trailerSize else { return bytes }
        let trailer = bytes.count - PackFormat.trailerSize
        let directory = Int(clamping: number(bytes, at: trailer + 16))
        let rows = Int(number(bytes, at: trailer + 24) & 0xff)
        if directory >= 0, directory <= trailer {
            for row in 0..<rows where directory + (row + 1) * SectionEntry.size <= trailer {
                let at = directory + row * SectionEntry.size
                let offset = Int(clamping: number(bytes, at: at + 8))
                let length = Int(clamping: number(bytes, at: at + 16))
                guard offset <= bytes.count, length <= bytes.count - offset else { continue }
                put(PackFormat.crc32c(Array(bytes[offset..<(offset + length)])), in: &bytes, at: at + 32)
            }
            let end = min(trailer, directory + rows * SectionEntry.size)
            put(PackFormat.crc32c(Array(bytes[directory..<end])), in: &bytes, at: trailer + 28)
        }
        put(PackFormat.version, in: &bytes, at: trailer + 32)
        put(PackFormat.crc32c(Array(bytes[trailer..<(trailer + 36)])), in: &bytes, at: trailer + 36)
        bytes.replaceSubrange((trailer + 40)..., with: PackFormat.magic)
        return bytes
    }

    private static func number(_ bytes: [UInt8], at: Int) -> UInt64 {
        bytes[at..<(at + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func put(_ value: UInt32, in bytes: inout [UInt8], at: Int) {
        for step in 0..<4 { bytes[at + step] = UInt8(truncatingIfNeeded: value >> UInt32(8 * step)) }
    }

    /// Small packs of each kind of member, once as they are and once to be mended.
    static func seeds() -> [[UInt8]] {
        let path = "/tmp/salvage-fuzz-seed.\(getpid())"
        defer { unlink(path) }
        guard let descriptor = try? PackFile.create(path: path) else { return [] }
        defer { close(descriptor) }
        do {
            let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 0))
            try writer.beginMember(MemberHeader(path: Array("a.log".utf8), kind: .log))
            try Array("a line\nanother line\n".utf8).withUnsafeBytes { try writer.append($0) }
            try writer.endMember()
            try writer.beginMember(MemberHeader(path: Array("core".utf8), kind: .crashDump))
            try writer.appendHole(5000)
            try [UInt8](0..<200).withUnsafeBytes { try writer.append($0) }
            try writer.appendHole(100)
            try writer.endMember(flags: .truncated)
            try writer.beginMember(
                MemberHeader(path: Array("l".utf8), kind: .symlink, linkTarget: Array("a.log".utf8)))
            try writer.endMember()
            writer.addCrash(json: Array(#"{"crash":"1"}"#.utf8))
            _ = try writer.finish(
                session: SessionMetadata(session: "s", labels: ["a": "b"]),
                artifacts: [ArtifactEntry(artifact: "/game")])
            let bytes = try PackBytes(descriptor: descriptor)
            let all = try bytes.read(at: 0, count: Int(bytes.size))
            let reader = try PackReader.parse(all)
            let blocks = BlockTable.encode(reader.blocks)
            var members = ByteWriter()
            for member in reader.members { MemberTable.encode(member, into: &members) }
            return [
                [0] + all, [3] + all, [1] + blocks, [2, UInt8(reader.blocks.count)] + blocks + members.bytes,
            ]
        } catch {
            return []
        }
    }
}
