import Foundation
import Testing

@Suite(.serialized) struct AnalyzeCommandTests {
    @Test(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"))
    func aCoreAtHandIsShownAsACrashOfTheStore() throws {
        let stage = try CrashStage()
        let core = try stage.core("a", "weapon")
        let plain = try Program.run(["analyze", core])
        #expect(plain.status == 0 && plain.out.contains("SIGSEGV (SEGV_MAPERR)"), "\(plain.out)\(plain.err)")
        #expect(plain.out.contains("server+0x") && plain.out.contains("symbols missing for server"))
        let named = try Program.run(["analyze", "--symbols", stage.scratch.path("a"), core])
        #expect(named.out.contains("weapon_damage") && named.out.contains("server.c:"), "\(named.out)\(named.err)")
        let record = try #require(try Program.run(["analyze", "--json", "--threads", "all", core]).objects.first)
        #expect(record["signal"] as? String == "SIGSEGV" && record["kind"] as? String == "elf_core")
        for (tool, suffix) in [("gzip -k", "gz"), ("zstd -q", "zst")] {
            guard CrashStage.has(String(tool.split(separator: " ")[0])) else { continue }
            try shell("\(tool) \(core)")
            let packed = try Program.run(["analyze", "--json", core + "." + suffix]).objects.first
            #expect(packed?["stack_hash"] as? String == record["stack_hash"] as? String, "\(tool)")
        }
        // The program's last log lines are beside its core and become the cause.
        let folder = (try stage.core("a", "assert") as NSString).deletingLastPathComponent
        let merged = try Program.run(["analyze", "--json", folder]).objects
        #expect(merged.count == 1)
        #expect(
            (merged.first?["signature"] as? String)?.hasPrefix("assert | slots < N && \"inventory overflow\"") == true)
        #expect(merged.first?["signature_quality"] as? String == "message")
        #expect((merged.first?["cause"] as? [String: Any])?["detector"] as? String == "assert")
    }

    @Test(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"))
    func withTooFewOpenFilesTheSymbolsAreLeftOutAndTheCrashSaysSo() throws {
        let stage = try CrashStage()
        let core = try stage.core("a", "weapon")
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        func analyze(_ before: String) throws -> Program.Outcome {
            let command = "\(before) exec \(Program.salvage.path) analyze --json --symbols \(stage.store) \(core)"
            return try Program.Running(URL(fileURLWithPath: "/bin/sh"), ["-c", command], environment: [:]).wait()
        }
        let many = try #require(try analyze("").objects.first)
        #expect(many["signature"] as? String == "weapon_damage")
        let outcome = try analyze("ulimit -n 24;")
        #expect(outcome.status == 0, "\(outcome.err)")
        let few = try #require(outcome.objects.first)
        let notes = few["notes"] as? [String] ?? []
        #expect(notes.contains { $0.hasPrefix("symbols could not be read: Too many open files (") }, "\(notes)")
        #expect((few["signature"] as? String)?.hasPrefix("server+0x") == true)
        #expect(few["signature_quality"] as? String == "offset")
    }

    @Test(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"))
    func aProgramThatCannotBeReadHidesNoCrash() throws {
        let stage = try CrashStage()
        let program = stage.scratch.path("loop")
        try shell("ln -s loop \(program)")
        let outcome = try Program.run(["analyze", "--json", "--exe", program, try stage.core("a", "weapon")])
        #expect(outcome.status == 3 && outcome.err.contains("symbolic links"), "\(outcome.out)\(outcome.err)")
        let crash = try #require(outcome.objects.first)
        let notes = crash["notes"] as? [String] ?? []
        #expect(crash["signal"] as? String == "SIGSEGV")
        #expect(notes.contains { $0.hasPrefix("symbols could not be read: ") && $0.contains("loop") }, "\(notes)")
        #expect(!notes.contains { $0.contains("is not the program of this dump") }, "\(notes)")
    }

    /// A drop box: its users may make and remove what they like there, but not list it.
    @Test func temporaryFoldersGoFromAFolderThatCannotBeListed() throws {
        let isRoot = geteuid() == 0
        guard try !isRoot || shell("command -v setpriv").status == 0 else {
            print("skipped: root can list every folder, and there is no setpriv")
            return
        }
        let scratch = try Scratch()
        let (box, symbols) = (scratch.path("box"), scratch.path("symbols"))
        try "all is well\n".write(toFile: scratch.path("calm.log"), atomically: true, encoding: .utf8)
        try shell(
            """
            chmod 755 \(scratch.url.path) && cp '\(Program.salvage.path)' \(scratch.path("salvage"))
            mkdir \(box) \(symbols) && cp /bin/true \(symbols) && chmod 755 \(symbols) && chmod 333 \(box)
            """)
        defer { _ = try? shell("chmod 700 \(box)") }
        let user = isRoot ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : ""
        #expect(try shell("\(user) ls \(box)").status != 0)
        let outcome = try shell(
            "cd / && \(user) env -i PATH=/usr/bin:/bin SWIFT_BACKTRACE=enable=no TMPDIR=\(box) "
                + "\(scratch.path("salvage")) analyze --symbols \(symbols) \(scratch.path("calm.log")) 2>&1")
        #expect(outcome.status == 1 && outcome.out.contains("no crash"), "\(outcome.out)")
        try shell("chmod 700 \(box)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: box).isEmpty)
    }

    /// A read that fails does not prove that there is nothing.
    @Test func aReadThatFailsIsNotAFileWithoutACrash() throws {
        guard try shell("command -v strace && strace -o /dev/null true").status == 0 else {
            print("skipped: strace cannot be used here")
            return
        }
        let scratch = try Scratch()
        let log = scratch.path("server.log")
        let lines = (0..<20_000).map { "tick \($0) of a server that logs\n" }.joined()
        try (lines + "free(): invalid pointer\n").write(toFile: log, atomically: true, encoding: .utf8)
        func run(_ more: String) throws -> (status: Int32, out: String) {
            try shell(
                "strace -f -qq -o \(scratch.path("calls")) -P \(log) -e trace=pread64 \(more) \(Program.salvage.path) "
                    + "analyze --json \(log) 2>&1")
        }
        try #require(try run("").status == 0)
        let count = try #require(Int(try shell("grep -c pread64 \(scratch.path("calls"))").out.prefix { $0.isNumber }))
        #expect(count > 2)
        for number in 1...max(1, count) {
            let outcome = try run("-e inject=pread64:error=EIO:when=\(number)")
            let isSaid = outcome.out.contains("not read completely: ") || outcome.status == 2
            #expect(isSaid && !outcome.out.contains("no crash was found"), "call \(number): \(outcome.out)")
        }
    }

    @Test func dumpsOfTheCorporaAreReadAndWhatIsNoneSaysSo() throws {
        let scratch = try Scratch()
        try "all is well\n".write(toFile: scratch.path("calm.log"), atomically: true, encoding: .utf8)
        let calm = try Program.run(["analyze", scratch.path("calm.log")])
        #expect(calm.status == 1 && calm.err.contains("no crash"))
        #expect(try Program.run(["analyze", scratch.path("nothing")]).status == 2)
        // A pipe that nobody writes to must not be waited for.
        try shell("mkfifo \(scratch.path("pipe"))")
        let pipe = try Program.run(["analyze", scratch.path("pipe")])
        #expect(pipe.status == 2 && pipe.err.contains("not a regular file"))
        guard let corpora = Program.corpora else {
            print("skipped: ../shared/corpora is not there")
            return
        }
        let mini = try Program.run(
            [
                "analyze", "--json", "--symbols", corpora.path + "/minidump/symbols",
                corpora.path + "/minidump/rust-minidump-test.dmp",
            ])
        #expect(mini.objects.first?["exception"] as? String == "EXCEPTION_ACCESS_VIOLATION_WRITE", "\(mini.err)")
        let micro = try Program.run(["analyze", "--json", corpora.path + "/microdump/breakpad-microdump-arm64.dmp"])
        #expect(micro.objects.count == 1 && micro.objects.first?["kind"] as? String == "microdump")
        let python = try Program.run(["analyze", "--json", corpora.path + "/text/satyr-python-01.txt"])
        #expect(python.objects.first?["signature_quality"] as? String == "symbol")
        // In a store it is one crash, too, though a dump and a text at once.
        let store = scratch.path("store")
        let ingest = try Program.run(
            [
                "ingest", "--store", store, "--session", "m",
                corpora.path + "/microdump/breakpad-microdump-arm64.dmp",
            ])
        #expect(ingest.status == 0)
        #expect(try Program.run(["crashes", "--json", "--store", store]).objects.count == 1)
    }
}
