import Model
import Testing

@testable import CrashAnalysis

/// Messages of shells, the kernel and supervisors about a death, and the same words from players.
@Suite struct WeakEvidenceTests: SessionLogSuite {
    @Test(
        arguments: [
            ("/start.sh: line 9:  4242 Aborted                 (core dumped) ./fend -p 1", "SIGABRT", 4242),
            ("./run.sh: line 12:    97 Bus error               ./fend -p 1", "SIGBUS", 97),
            ("bash: line 1: 31877 Illegal instruction     (core dumped) ./fend -p 1", "SIGILL", 31877),
            ("[1]+  Segmentation fault      (core dumped) ./fend -p 1", "SIGSEGV", nil),
            ("[1]    4242 segmentation fault (core dumped)  ./fend -p 1", "SIGSEGV", 4242),
            ("Killed", "SIGKILL", nil), ("Aborted", "SIGABRT", nil), ("Bus error", "SIGBUS", nil),
        ] as [(String, String, Int?)])
    func shells(line: String, signal: String, pid: Int?) throws {
        let record = try only("2026-11-20 21:03:06 [info] players 3\n" + line + "\n")
        #expect(record.kind == "shell")
        #expect(record.signal == signal)
        #expect(record.pid == pid)
        if line.contains("fend") { #expect(record.commandLine == "./fend -p 1") }
    }

    @Test(arguments: [
        "Okapi was Killed", "[21:03:09] Bob: Killed", "transfer Aborted", "x.lua: line 3: bad argument",
        "Bob: ./run.sh: line 3:  12 Killed ./x", "the shell printed: line 9: 12 Aborted",
    ])
    func shellWordsOfOthersAreNothing(line: String) {
        #expect(analyze("2026-11-20 21:03:06 [info] players 3\n" + line + "\n").isEmpty)
    }

    @Test(arguments: [
        "", "[  870.644191] ", "[Fri Nov 20 21:03:09 2026] ", "Nov 20 21:03:09 node3 kernel: ",
        "Nov 20 21:03:09 node3 kernel: [  870.644191] ", "2026-11-20T21:03:09+0000 node3 kernel: ",
    ])
    func kernels(lead: String) throws {
        let fault = try only(
            lead
                + "fernd[4242]: segfault at 18 ip 000055d0c1be31d7 sp 00007ffdc0de error 6 in fernd[55d0c1a00000+1e4000]\n"
        )
        #expect(fault.kind == "kernel")
        #expect(fault.signal == "SIGSEGV")
        #expect(fault.address == Address(0x18))
        #expect(fault.access == "write")
        #expect(fault.pid == 4242)
        #expect(fault.executable == "fernd")
        #expect(fault.frames.first?.offset == Address(0x1e31d7))
        let trap = try only(
            lead
                + "traps: fernd[4242] trap invalid opcode ip:55d0c1be31d7 sp:7ffdc0de error:0 in fernd[1e31d7,55d0c1a00000+1e4000]\n"
        )
        #expect(trap.signal == "SIGILL")
        #expect(trap.frames.first?.offset == Address(0x1e31d7))
        let memory = try only(
            lead + "Out of memory: Killed process 4242 (fernd) total-vm:7408520kB, anon-rss:3912244kB\n" + lead
                + "oom_reaper: reaped process 4242 (fernd), now anon-rss:0kB\n")
        #expect(memory.signal == "SIGKILL")
        #expect(memory.executable == "fernd")
        #expect(memory.signature.hasPrefix("oom"))
    }

    @Test(arguments: [
        "[21:03:09] Bob[12]: segfault at 18 ip 55d0 sp 7ffd error 4 in x[55d0+1000]",
        "[2026.11.20-21.03.09:137][ 17]LogChat: Display: [Bob] Out of memory: Killed process 1 (x)",
        "<Bob> x[1]: segfault at 18 ip 55d0 sp 7ffd error 4 in x[55d0+1000]", "Bob: fernd exited with code 139",
        "<Bob> fernd.service: Main process exited, code=dumped, status=11/SEGV",
    ])
    func systemWordsOfPlayersAreNothing(line: String) {
        #expect(analyze("2026-11-20 21:03:06 [info] players 3\n" + line + "\n").isEmpty)
    }

    @Test(arguments: [
        ("fernd_1 exited with code 139", "SIGSEGV"), ("Server process exited with code 134", "SIGABRT"),
        ("fernd-1 exited with code 137", "SIGKILL"),
        (
            "Nov 20 21:03:09 node3 systemd[1]: fernd.service: Main process exited, code=dumped, status=11/SEGV",
            "SIGSEGV"
        ),
        (
            "Nov 20 21:03:09 node3 systemd[1]: fernd.service: Main process exited, code=exited, status=134/n/a",
            "SIGABRT"
        ),
        ("2026-11-20 21:03:10,660 WARN exited: fernd (terminated by SIGSEGV (core dumped); not expected)", "SIGSEGV"),
        ("PM2      | App [fernd:0] exited with code [0] via signal [SIGABRT]", "SIGABRT"),
        ("      Reason:       OOMKilled", "SIGKILL"),
    ])
    func exitStatus(line: String, signal: String) throws {
        let record = try only("tick 1\n" + line + "\n")
        #expect(record.kind == "exit")
        #expect(record.signal == signal)
        #expect(record.notes.contains { $0.hasPrefix("weak evidence") })
    }

    @Test(arguments: [
        "fernd_1 exited with code 0", "fernd_1 exited with code 143", "fernd_1 exited with code 130",
        "Nov 20 21:03:09 node3 systemd[1]: fernd.service: Main process exited, code=killed, status=15/TERM",
        "2026-11-20 21:03:10,660 INFO exited: fernd (terminated by SIGTERM; expected)",
    ])
    func orderlyEndsAreNothing(line: String) {
        #expect(analyze("tick 1\n" + line + "\n").isEmpty)
    }

    @Test func journalWithBuildsAndThreads() throws {
        let tag = "Nov 20 21:03:09 node3 systemd-coredump[4251]: "
        let text = [
            "Process 4242 (fernd) of user 1000 dumped core.", "",
            "Module /srv/fernd with build-id 8f3c00aa11bb22cc33dd44ee55ff66778899aabb", "Stack trace of thread 4242:",
            "#0  0x000055d0c1be31d7 n/a (/srv/fernd + 0x1e31d7)",
            "#1  0x00007f3a1002a1c9 __libc_start_main (libc.so.6 + 0x2a1c9)",
            "", "Stack trace of thread 4243:", "#0  0x00007f3a1009dbe2 n/a (libc.so.6 + 0x9dbe2)",
            "ELF object binary architecture: AMD x86-64",
        ].map { tag + $0 }.joined(separator: "\n")
        let record = try only(
            text
                + "\nNov 20 21:03:09 node3 systemd[1]: fernd.service: Main process exited, code=dumped, status=6/ABRT\n"
        )
        #expect(record.signal == "SIGABRT")
        #expect(record.frames.map(\.offset?.value) == [0x1e31d7, 0x2a1c9])
        #expect(record.frames.first?.buildID == "8f3c00aa11bb22cc33dd44ee55ff66778899aabb")
        #expect(record.signature.contains("fernd+0x1e31d7"))
    }

    @Test func aMembersFirstLinesAreOneRun() throws {
        let record = try only(
            """
            L 11/20/2026 - 21:03:00: World triggered "Round_Start"
            PreMinidumpCallback: updating dump comment
            Uploading dump (in-process) [proxy '']
            /tmp/dumps/crash_20261120210309_1.dmp
            ./fends_run: line 308:  4242 Segmentation fault      (core dumped) $HL_CMD

            """)
        #expect(record.pid == 4242)
        let early =
            "21:03:08 [warn] slow save took 400 ms:\n#0 0x55d0c1 in f /s/a.cpp:3:1\n#1 0x55d0c2 in g /s/a.cpp:4:1\n21:03:09 tick\n"
        #expect(analyze(early).allSatisfy { !$0.isCrash })
    }
}
