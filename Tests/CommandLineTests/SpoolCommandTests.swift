import Foundation
import Testing

/// A harvest with a spool that it did not leave like this, and a prune with new packs. The server has no
/// sessions: everything here comes from the spool.
@Suite(.serialized) struct SpoolCommandTests {
    private let scratch: Scratch
    private let server: SandboxProgram
    private let environment: [String: String]
    private var store: String { scratch.path("store") }

    init() throws {
        scratch = try Scratch()
        server = try SandboxProgram()
        let config = scratch.path("salvage.yaml")
        try "store: \(scratch.path("store"))\napi: { url: \"\(server.url)\" }\n".write(
            toFile: config, atomically: true, encoding: .utf8)
        environment = ["SALVAGE_CONFIG": config, "GAMEYE_API_TOKEN": "sandbox"]
        try FileManager.default.createDirectory(
            atPath: scratch.path("store/spool"), withIntermediateDirectories: true)
    }

    private func write(_ path: String, _ text: String) throws {
        let url = scratch.url.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    private func salvage(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments, environment: environment)
    }

    @Test func aLinkInTheSpoolLeadsNowhere() throws {
        try write("victim/a.txt", "precious")
        try write("victim/logs.1.complete", "precious")
        for link in ["spool/evil", "spool/.new", "live"] {
            try shell("ln -s \(scratch.path("victim")) \(store)/\(link)")
        }
        let before = Scratch.listing(scratch.path("victim"))
        let harvest = try salvage("harvest")
        #expect(harvest.err.contains("spool/evil is not a folder of downloads"), "\(harvest.err)")
        #expect(Scratch.listing(scratch.path("victim")) == before)
        #expect(try String(contentsOfFile: scratch.path("victim/a.txt"), encoding: .utf8) == "precious")
        #expect(try salvage("doctor", "--offline").out.contains("spool/evil is not a folder of downloads"))
    }

    @Test func downloadsWithoutAManifestAreStillPacked() throws {
        try write("store/spool/gone/logs.17000.complete", "the log\n")
        try write("store/spool/torn/session.json", "{\"fac")
        try write("store/spool/torn/logs.17000.complete", "another log\n")
        try write("store/spool/notours/backup.tar", "precious")
        let harvest = try salvage("harvest")
        #expect(harvest.err.contains("spool/gone has no session.json"), "\(harvest.err)")
        #expect(try salvage("logs", "gone").out.contains("the log"))
        #expect(try salvage("logs", "torn").out.contains("another log"))
        #expect(
            try String(contentsOfFile: store + "/spool/.aside/notours/backup.tar", encoding: .utf8) == "precious")
        #expect(try salvage("doctor", "--offline").out.contains(".aside"))
        #expect(try salvage("verify").status == 0)
    }

    @Test func oneFailedOpenAtStartCostsNoDownload() throws {
        guard try shell("command -v strace && strace -o /dev/null true").status == 0 else {
            print("skipped: strace cannot be used here")
            return
        }
        let manifest = #"{"facts":{"session":"k","image":"i","labels":{}},"artifacts":["logs"]}"#
        for call in ["openat:error=EMFILE", "getdents64:error=EIO", "pread64:error=EIO"] {
            for number in 1...3 {
                try shell("rm -rf \(store) && mkdir -p \(store)/spool")
                try write("store/spool/k/session.json", manifest)
                try write("store/spool/k/logs.17000.complete", "the log\n")
                let name = call.split(separator: ":")[0]
                let paths = ["", "/k", "/k/session.json"].map { "-P \(store)/spool\($0)" }.joined(separator: " ")
                try shell(
                    "SALVAGE_CONFIG=\(scratch.path("salvage.yaml")) GAMEYE_API_TOKEN=sandbox strace -f -o /dev/null \(paths) "
                        + "-e trace=\(name) -e inject=\(call):when=\(number) \(Program.salvage.path) harvest")
                _ = try salvage("harvest")
                #expect(try salvage("logs", "k").out.contains("the log"), "\(call) at \(number)")
            }
        }
    }
}
