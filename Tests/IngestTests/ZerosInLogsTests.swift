import Foundation
import Ingest
import Model
import Pack
import Testing

/// A log that its server truncated while writing contains zeros. It is still a log: redacted and searched.
@Suite struct ZerosInLogsTests {
    private static let rule = RedactionRule(name: "token", pattern: "Bearer [a-z0-9]+", replacement: "<token>")
    private static let line = Array("2026-11-20 21:03:00 login Bearer abc123 ok\n".utf8)

    /// The bytes before the line.
    static let beginnings: [[UInt8]] = [
        [], [UInt8](repeating: 0, count: 1), [UInt8](repeating: 0, count: 5000),
        [UInt8](repeating: 0, count: 64 << 10), [UInt8](repeating: 0, count: 70_000),
        [UInt8](repeating: 0, count: 300_000), Array("boot\n".utf8) + [UInt8](repeating: 0, count: 1024),
        Array("boot\n".utf8) + [UInt8](repeating: 0, count: 100_000),
    ]

    private func bytes(of member: Int, in reader: PackReader) throws -> [UInt8] {
        let content = try reader.content(ofMember: member)
        var bytes = [UInt8](repeating: 1, count: Int(reader.members[member].size))
        let count = try bytes.withUnsafeMutableBytes { try content.read(at: 0, into: $0) }
        return Array(bytes[..<count])
    }

    private func check(_ packed: PackedSession, _ beginning: [UInt8]) throws {
        let member = try #require(packed.reader.members.indices.last)
        #expect(packed.reader.members[member].kind == .log)
        #expect(packed.reader.members[member].flags.contains(.redacted))
        #expect(try bytes(of: member, in: packed.reader).starts(with: beginning.prefix(4096)))
        #expect(
            packed.artifacts.first?.flags.contains("redacted=1") == true,
            "\(packed.artifacts.first?.flags ?? [])")
    }

    @Test(arguments: beginnings) func thePlatformsLog(_ beginning: [UInt8]) throws {
        let stage = try Stage()
        let path = stage.folder + "/logs"
        try Data(beginning + Self.line).write(to: URL(fileURLWithPath: path))
        try check(
            try stage.pack(path, as: "logs", .file, name: "console.log", redactions: [Self.rule]), beginning)
    }

    @Test(arguments: beginnings) func aLogInAnArchive(_ beginning: [UInt8]) throws {
        let stage = try Stage()
        let folder = stage.folder + "/Saved"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(beginning + Self.line).write(to: URL(fileURLWithPath: folder + "/Game.log"))
        let archive = stage.folder + "/saved.tar.gz"
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/bin/tar")
        // One member: the folder's own entry would be another.
        tar.arguments = ["-C", stage.folder, "-czf", archive, "Saved/Game.log"]
        try tar.run()
        tar.waitUntilExit()
        try check(
            try stage.pack(archive, as: "/game/Saved", .archive, name: "saved", redactions: [Self.rule]), beginning)
    }

    /// The server's own output is always a log, whatever it contains.
    @Test func thePlatformsLogIsALogWhateverIsInIt() throws {
        let stage = try Stage()
        let path = stage.folder + "/logs"
        var bytes = (0..<20_000).map { UInt8($0 % 32) }
        bytes += Self.line
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let packed = try stage.pack(path, as: "logs", .file, name: "console.log", redactions: [Self.rule])
        #expect(packed.reader.members.first?.kind == .log)
        #expect(packed.artifacts.first?.flags.contains("redacted=1") == true)
    }

    /// The ledger quotes the beginning of a response that is not an archive, without its secrets.
    @Test func whatIsQuotedOfNoArchiveIsRedacted() throws {
        for (text, expected) in [
            ("error: Bearer abc123 is refused\n", "error: <token> is refused"),
            ("error: Bearer abc123 is refused", "error: <token> is refused"),
            (String(repeating: "x", count: 5000), "(a long line, not quoted)"),
        ] {
            let stage = try Stage()
            let path = stage.folder + "/answer"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let packed = try stage.pack(path, as: "/core", .archive, name: "core", redactions: [Self.rule])
            let reason = packed.artifacts.first?.reason ?? ""
            #expect(reason.contains(expected) && !reason.contains("abc123"), "\(reason)")
        }
    }
}
