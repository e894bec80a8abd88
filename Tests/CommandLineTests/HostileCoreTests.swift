import Foundation
import Testing

/// Cores whose memory map names paths of pipes, which would block a reader that opens them.
@Suite(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"), .serialized)
struct HostileCoreTests {
    /// A core that names the executable and a library below a folder of ours, with pipes in their places: who opens one
    /// of them waits for ever, or shows in the trace.
    private struct Trap {
        let stage: CrashStage
        let core: String
        let folder: String

        init() throws {
            stage = try CrashStage()
            folder = stage.scratch.path("a")
            core = try stage.core("a", "weapon")
            for name in ["server", "server.debug"] {
                try shell("rm -f \(folder)/\(name) && mkfifo \(folder)/\(name)")
            }
        }

        /// The paths that the core names.
        func named() throws -> [String] {
            let record = try Program.run(["analyze", "--json", core]).objects.first
            return ((record?["modules"] as? [[String: Any]]) ?? []).compactMap { $0["path"] as? String }
                .filter { $0.hasPrefix("/") }
        }
    }

    @Test(.enabled(if: CrashStage.has("strace"), "strace is not installed"))
    func noPathNamedInACoreIsOpened() throws {
        let trap = try Trap()
        let named = try trap.named()
        try #require(named.contains(trap.folder + "/server"))
        let salvage = Program.salvage.path
        let symbols = trap.stage.scratch.path("a/server.full")
        let commands = [
            "\(salvage) analyze --threads all \(trap.core)",
            "\(salvage) analyze --symbols \(symbols) \(trap.core)",
            "\(salvage) ingest --store \(trap.stage.store) --session s \(trap.core)",
            "\(salvage) symbols add --store \(trap.stage.store) \(symbols)",
            "\(salvage) crash --store \(trap.stage.store) s",
        ]
        for (index, command) in commands.enumerated() {
            let trace = trap.stage.scratch.path("trace-\(index)")
            let run = try shell("timeout 60 strace -f -e trace=%file,open_by_handle_at,seccomp -o \(trace) \(command)")
            #expect(run.status == 0, "\(command): \(run.out)")
            let calls = try String(contentsOfFile: trace, encoding: .utf8)
            #expect(calls.contains("execve("))
            // Starting up, the loader opens the program's own libraries, which a core of this machine names, too.
            let opened = calls.split(separator: "\n").filter { line in
                line.contains("open")
                    && named.contains { path in
                        line.contains("\"\(path)\"") && !path.hasPrefix("/lib") && !path.hasPrefix("/usr/lib")
                    }
            }
            #expect(opened.isEmpty, "\(command): \(opened)")
            // The children that read the dump reach no file at all once they are confined; that the C library asks for
            // the number of processors is refused as well.
            let children = Self.children(calls)
            #expect(!children.isEmpty || index == commands.count - 1, "\(command): no reader was confined")
            for child in children {
                let confined = child.drop { !$0.contains("seccomp(") }.dropFirst()
                let paths = confined.filter { ($0.contains("\"/") || $0.contains("open")) && !$0.contains(" EPERM ") }
                #expect(paths.isEmpty, "\(command): \(paths)")
            }
        }
        #expect(try trap.stage.signatures() == ["s": "weapon_damage"])
    }

    /// The lines of each process of a trace that runs as a confined child.
    private static func children(_ calls: String) -> [[Substring]] {
        let byProcess = Dictionary(grouping: calls.split(separator: "\n")) { $0.prefix { $0 != " " } }
        return byProcess.values.filter { lines in lines.contains { $0.contains("seccomp(SECCOMP_SET_MODE_FILTER") } }
    }

    @Test(.enabled(if: CrashStage.has("gdb"), "gdb is not installed"))
    func aDebuggerIsStartedWithWhatTheStoreHasAndNothingElse() throws {
        let trap = try Trap()
        let store = trap.stage.store
        #expect(try trap.stage.salvage("symbols", "add", trap.stage.scratch.path("a/server.full")).status == 0)
        #expect(try trap.stage.ingest("s", tag: "1.0", trap.core).status == 0)
        let trace = trap.stage.scratch.path("trace")
        let tracer = CrashStage.has("strace") ? "strace -f -e trace=openat,open -o \(trace)" : ""
        let run = try shell(
            """
            printf 'bt\\ninfo line weapon_damage\\n' | TMPDIR=\(trap.stage.scratch.url.path) timeout 120 \(tracer) \
            \(Program.salvage.path) crash --store \(store) s --debug 2>&1
            """)
        #expect(run.status == 0, "\(run.out)")
        #expect(run.out.contains("weapon_damage") && run.out.contains("server.c:"), "\(run.out)")
        #expect(!Scratch.listing(trap.stage.scratch.url.path).contains { $0.contains("salvage-debug") })
        guard !tracer.isEmpty else { return }
        let opened = try String(contentsOfFile: trace, encoding: .utf8)
        #expect(!opened.contains("\"\(trap.folder)/server\""))
        // Without a debugger it says how to go on.
        let none = try Program.run(
            ["crash", "--store", store, "s", "--debug"], environment: ["PATH": trap.stage.scratch.path("a")])
        #expect(none.status == 2 && none.err.contains("neither gdb nor lldb is installed"))
    }
}
