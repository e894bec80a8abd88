import Foundation
import Testing

/// The reader of `analyze` is a fork of the process, not a second program: it must have given up what every reader gives
/// up, and its environment, before it reads the first byte of a dump.
@Suite(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"), .serialized)
struct AnalyzeReaderTests {
    @Test(.enabled(if: CrashStage.has("strace"), "strace is not installed"))
    func theCopyIsConfinedBeforeItReads() throws {
        let stage = try CrashStage()
        let core = try stage.core("a", "weapon")
        let trace = stage.scratch.path("trace")
        let calls =
            "execve,prctl,seccomp,landlock_create_ruleset,landlock_restrict_self,prlimit64,setrlimit,close_range,pread64,openat"
        let run = try shell("strace -f -e trace=\(calls) -o \(trace) \(Program.salvage.path) analyze \(core)")
        #expect(run.status == 0 && run.out.contains("SIGSEGV"), "\(run.out)")
        let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
        #expect(lines.filter { $0.contains("execve(") }.count == 1)
        let byProcess = Dictionary(grouping: lines) { $0.prefix { $0 != " " } }
        let readers = byProcess.values.filter { lines in
            lines.contains { $0.contains("seccomp(SECCOMP_SET_MODE_FILTER") }
        }
        let reader = try #require(readers.first)
        #expect(readers.count == 1)
        let confined = try #require(
            reader.firstIndex { $0.contains("seccomp(SECCOMP_SET_MODE_FILTER") && $0.hasSuffix("= 0") })
        let before = reader[..<confined]
        for barrier in [
            "PR_SET_PDEATHSIG, SIGKILL", "PR_SET_NO_NEW_PRIVS, 1", "PR_SET_DUMPABLE, SUID_DUMP_DISABLE", "RLIMIT_CORE",
            "RLIMIT_AS", "RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_NOFILE", "close_range(",
        ] {
            #expect(before.contains { $0.contains(barrier) && $0.hasSuffix("= 0") }, "\(barrier)")
        }
        let hasLandlock = before.contains { $0.contains("landlock_create_ruleset(NULL") && !$0.contains("= -1") }
        #expect(!hasLandlock || before.contains { $0.contains("landlock_restrict_self(") && $0.hasSuffix("= 0") })
        // The dump lies under descriptor 3.
        #expect(!before.contains { $0.contains("pread64(3,") })
        #expect(reader[confined...].contains { $0.contains("pread64(3,") })
    }

    @Test(.enabled(if: CrashStage.has("gdb"), "gdb is not installed"))
    func theCopyDoesNotHoldTheEnvironment() throws {
        let stage = try CrashStage()
        let core = try stage.core("a", "weapon")
        // In two pieces, so that no command line holds it.
        let secret = "s3cret-of-the-" + "environment"
        for (mode, holds) in [("parent", true), ("child", false)] {
            let image = stage.scratch.path("image-\(mode)")
            // The copy is caught where it confines itself; the original where it waits for it.
            let call = mode == "child" ? "seccomp" : "poll"
            try shell(
                """
                PART=s3cret-of-the-; GAMEYE_API_TOKEN=${PART}environment \
                SOMETHING_ELSE=${PART}environment \
                timeout 120 gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'set follow-fork-mode \(mode)' \
                -ex 'handle all nostop noprint pass' -ex 'catch syscall \(call)' -ex run -ex 'gcore \(image)' -ex kill \
                --args \(Program.salvage.path) analyze \(core) >/dev/null 2>&1
                """)
            let memory = try Data(contentsOf: URL(fileURLWithPath: image))
            #expect(memory.count > 1 << 20, "\(mode)")
            #expect((memory.range(of: Data(secret.utf8)) != nil) == holds, "\(mode)")
        }
    }
}
