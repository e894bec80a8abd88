import Foundation
import Testing

/// `verify FILE` does not read the file itself: a confined child does, whatever the file does to it.
@Suite struct VerifyConfinedTests {
    private static let strace = "/usr/bin/strace"

    /// An archive, a damaged one, something else, and a pack.
    private static func files(_ scratch: Scratch) throws -> [String] {
        try shell(
            """
            cd \(scratch.url.path) && mkdir in && seq 1 20000 > in/a.log && tar czf good.tar.gz in \
            && head -c 3000 good.tar.gz > cut.tar.gz && echo nothing > other.txt
            """)
        let ingest = try Program.run([
            "ingest", "--store", scratch.path("store"), "--session", "s", scratch.path("good.tar.gz"),
        ])
        try #require(ingest.status == 0, "\(ingest.err)")
        try shell("cp $(find \(scratch.path("store"))/packs -name '*.pack') \(scratch.path("a.pack"))")
        return ["good.tar.gz", "cut.tar.gz", "other.txt", "a.pack"].map { scratch.path($0) }
    }

    private static func traced(_ options: [String], _ arguments: [String]) throws -> Program.Outcome? {
        guard FileManager.default.isExecutableFile(atPath: strace) else {
            print("skipped: strace is not installed")
            return nil
        }
        let outcome = try Program.Running(
            URL(fileURLWithPath: strace), ["-f", "-qq"] + options + [Program.salvage.path] + arguments, environment: [:]
        ).wait()
        guard !outcome.err.contains("ptrace") else {
            print("skipped: this machine lets nothing be traced")
            return nil
        }
        return outcome
    }

    @Test func theParentReadsNothingAndTheChildOpensNothing() throws {
        let scratch = try Scratch()
        let files = try Self.files(scratch)
        let log = scratch.path("trace")
        guard let outcome = try Self.traced(["-y", "-o", log], ["verify"] + files) else { return }
        #expect(outcome.status == 3, "\(outcome.err)")
        for (file, verdict) in zip(files, ["ok", "incomplete", "not_an_archive", "ok"]) {
            #expect(outcome.out.contains("\(file): \(verdict)"), "\(outcome.out)")
        }
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        let parent = try #require(lines.first?.split(separator: " ").first)
        let reads: Set<Substring> = ["read", "pread64", "readv", "preadv", "preadv2", "mmap", "sendfile", "splice"]
        var confined: Set<Substring> = []
        var readers: Set<Substring> = []
        for line in lines {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let (process, call) = (parts[0], parts[1].drop { $0 == " " })
            let name = call.prefix { $0 != "(" }
            let concerns = files.contains { call.contains("<\($0)>") }
            if name == "seccomp", call.contains("SECCOMP_SET_MODE_FILTER"), call.hasSuffix("= 0") {
                confined.insert(process)
            }
            if concerns, reads.contains(name) {
                #expect(process != parent, "the parent reads: \(call)")
                #expect(confined.contains(process), "read before it was confined: \(call)")
                readers.insert(process)
            }
            if confined.contains(process) {
                #expect(!name.hasPrefix("open") && name != "execve" && name != "socket", "\(call)")
            }
        }
        #expect(readers.count == files.count, "one child a file: \(readers)")
        #expect(!confined.contains(parent))
    }

    @Test func aFileThatKillsItsReaderIsNotJudgedAndTheOthersAre() throws {
        let scratch = try Scratch()
        let files = try Self.files(scratch)
        // A pipe that is held open without data: its reader waits and can be killed at any time.
        let pipe = scratch.path("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        let holder = open(pipe, O_RDWR)
        defer { close(holder) }
        let running = try Program.start(["verify", "--json", files[0], pipe, files[3]])
        let parent = running.process.processIdentifier
        var struck = false
        for _ in 0..<30_000 where !struck && running.process.isRunning {
            for child in Self.children(of: parent) where Self.holds(child, pipe) && Self.waits(child) {
                struck = kill(child, SIGSEGV) == 0
            }
            usleep(1000)
        }
        let outcome = running.wait()
        try #require(struck, "\(outcome.out)\(outcome.err)")
        #expect(outcome.status == 3, "\(outcome.err)")
        let verdicts = outcome.objects.compactMap { $0["verdict"] as? String }
        #expect(verdicts == ["ok", "not_judged", "ok"], "\(outcome.out)")
        let verdict = outcome.objects.first { $0["verdict"] as? String == "not_judged" }
        #expect(verdict?["flags"] as? [String] == ["reader_died"])
        #expect((verdict?["first_error"] as? String)?.contains("Segmentation fault") == true, "\(outcome.out)")
    }

    private static func children(of parent: Int32) -> [Int32] {
        let listed = try? String(contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8)
        return (listed ?? "").split(separator: " ").compactMap { Int32($0) }
    }

    private static func holds(_ process: Int32, _ file: String) -> Bool {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/3")) == file
    }

    /// Whether it waits in read(2) of that file.
    private static func waits(_ process: Int32) -> Bool {
        let call = try? String(contentsOfFile: "/proc/\(process)/syscall", encoding: .utf8)
        return call?.hasPrefix("0 0x3 ") == true
    }

    @Test func aFileThatStallsItsReaderIsNotJudged() throws {
        let scratch = try Scratch()
        let files = try Self.files(scratch)
        let config = scratch.path("salvage.yaml")
        try "limits: { unpack: { time: 500ms } }\n".write(toFile: config, atomically: true, encoding: .utf8)
        // Stopped at its last step, for good.
        let inject = "inject=seccomp:signal=SIGSTOP"
        guard
            let outcome = try Self.traced(
                ["-o", "/dev/null", "-e", inject], ["verify", "--json", "--config", config, files[0]])
        else { return }
        #expect(outcome.status == 3, "\(outcome.err)")
        #expect(outcome.objects.first?["verdict"] as? String == "not_judged", "\(outcome.out)")
        #expect(outcome.objects.first?["flags"] as? [String] == ["reader_timed_out"], "\(outcome.out)")
    }

    @Test func theConfiguredLimitsCountAndStandardInputIsTaken() throws {
        let scratch = try Scratch()
        let files = try Self.files(scratch)
        let config = scratch.path("salvage.yaml")
        try "limits: { unpack: { entry_size: 1KiB } }\n".write(toFile: config, atomically: true, encoding: .utf8)
        let limited = try Program.run(["verify", "--json", "--config", config, files[0]])
        #expect(limited.status == 3)
        #expect((limited.objects.first?["flags"] as? [String])?.contains("limit") == true, "\(limited.out)")
        let piped = try shell("cat \(files[0]) | \(Program.salvage.path) verify -")
        #expect(piped.status == 0 && piped.out.hasPrefix("-: ok, 2 entries"), "\(piped.out)")
        let folder = try Program.run(["verify", scratch.url.path, files[0]])
        #expect(folder.status == 2 && folder.err.contains("it is a folder"), "\(folder.err)")
        #expect(folder.out.contains("good.tar.gz: ok"), "\(folder.out)")
    }
}
