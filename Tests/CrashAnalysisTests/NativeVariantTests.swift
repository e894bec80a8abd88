import Model
import Testing

@testable import CrashAnalysis

/// Unusual forms of native reports: older engines, cut logs, several processes, other supervisors.
@Suite struct NativeVariantTests: SessionLogSuite {
    private func count(_ text: String) -> Int { analyze(text).count(where: \.isCrash) }

    // MARK: Several processes

    @Test func coresBehindEachOther() {
        let core = { (pid: Int, name: String) in
            """
            Nov 21 04:10:02 marl systemd-coredump[9\(pid)]: Process \(pid) (\(name)) of user 998 dumped core.

                                                        Stack trace of thread \(pid):
                                                        #0  0x00005581a1b2c3d4 \(name)_drain (\(name) + 0x12c3d4)
                                                        #1  0x00005581a1b2d3d4 main (\(name) + 0x12d3d4)

            """
        }
        let units = """
            Nov 21 04:10:02 marl systemd[1]: eel.service: Main process exited, code=dumped, status=11/SEGV
            Nov 21 04:10:02 marl systemd[1]: carp.service: Main process exited, code=dumped, status=6/ABRT

            """
        let crashes = analyze(core(81, "eel") + core(82, "carp") + units)
        #expect(crashes.map(\.pid) == [81, 82])
        #expect(crashes.map(\.signal) == ["SIGSEGV", "SIGABRT"])
        #expect(crashes.map { $0.frames.first?.function } == ["eel_drain", "carp_drain"])
    }

    @Test func coreWithoutAStack() throws {
        let record = try only(
            """
            Nov 21 04:10:02 marl systemd-coredump[9]: Process 81 (eel) of user 998 dumped core.
            Nov 21 04:10:02 marl systemd[1]: eel.service: Main process exited, code=dumped, status=11/SEGV

            """)
        #expect(record.signature == "eel: ended by SIGSEGV")
    }

    // MARK: Unreal

    @Test func unrealOfOlderAges() throws {
        let windows = try only(
            """
            Fatal error!

            VERSION: 12.3
            KERNELBASE.dll!UnknownFunction (0x00007ff8a0d14c18) + 0 bytes [UnknownFile:0]
            MoorServer.exe!ASluice::Open(int) (0x00007ff7c0ffee31) + 12 bytes [D:\\m\\Sluice.cpp:17]

            """)
        #expect(windows.signature == "ASluice::Open")
        #expect(windows.frames.first?.offset == nil)
        let linux = try only(
            """
            Signal 11 caught.
            Fatal error!
            [Callstack] 0x01b2c3d4 /srv/MoorServer(ASluice::Open(int)+0x44) [0x1b2c3d4]
            [Callstack] 0x01b2c3ff /srv/MoorServer(FEngineLoop::Tick()+0x44) [0x1b2c3ff]

            """)
        #expect(linux.signature == "ASluice::Open")
        let first = try only(
            "loading\nSignal: SIGSEGV [segmentation fault]\nHistory: ASluice::Open <- ULevel::Tick\nAborting.\n")
        #expect(first.signal == "SIGSEGV")
        #expect(first.signature == "ASluice::Open")
    }

    @Test func unrealInPieces() throws {
        let head = "[2026.11.21-04.12.14:100][  2]LogWindows: "
        let thrown = try only(
            head + "Error: Unhandled Exception: 0xe06d7363\n" + head + "Error: \n"
                + head + "Error: [Callstack] 0x00000001800012ab Moor.dll!ASluice::Open() []\n")
        #expect(thrown.signature == "ASluice::Open")
        let aborted = try only(
            head + "FPlatformMisc::RequestExit(1, WindowsPlatformCrashContext.AbortHandler)\n" + head
                + "FPlatformMisc::RequestExitWithStatus(1, 3, WindowsPlatformCrashContext.AbortHandler)\n")
        #expect(aborted.signal == "SIGABRT")
        let cut = try only(
            """
            0x0000000006c41a3c MoorServer!ASluice::Open(int) [/m/s.cpp:9]
            0x0000000006c41b3c MoorServer!FEngineLoop::Tick() [/m/s.cpp:19]

            Engine crash handling finished; re-raising signal 11 for the default handler. Good bye.

            """)
        #expect(cut.signature == "ASluice::Open")
        #expect(cut.signal == "SIGSEGV")
        #expect(count("[2026.11.21-04.12.14:100][  2]LogChat: Tern: Unhandled Exception: 0xe06d7363\n") == 0)
    }

    // MARK: Other engines

    @Test func enginesWithoutTheirFirstLine() throws {
        let godot = try only(
            """
            Dumping the backtrace. Please include this when reporting the bug to the project developer.
            [1] /srv/moor.x86_64(_ZN6Sluice4openEv+0x5a) [0x55a12345678] (??:0)
            -- END OF BACKTRACE --

            """)
        #expect(godot.signature == "Sluice::open")
        let luanti = try only(
            "2026-11-21 04:10:02: ERROR[Server]: /s/map.cpp:77: void Sluice::open(int): An engine assumption 'gate' failed.\n"
        )
        #expect(luanti.signature == "engine assumption | Sluice::open")
        let factorio = try only(
            """
            Factorio crashed. Generating symbolized stacktrace, please wait ...
             9500.112 Error CrashHandler.cpp:643: Received SIGABRT
            #0  0x0000000001a2c111 in Sluice::open(unsigned int) at /s/Sluice.cpp:77
            #1  0x0000000001a2c222 in Map::tick() at /s/Map.cpp:900

            """)
        #expect(factorio.signal == "SIGABRT")
        let typed = "2026-11-21 04:10:02 [CHAT] Tern: Error CrashHandler.cpp:641: Received SIGSEGV\n"
        #expect(count("tick\n" + typed) == 0)
    }

    @Test func unityWithoutSymbols() throws {
        let record = try only(
            """
            ========== OUTPUTTING STACK TRACE ==================

            0x0000000180EE7265 (unityplayer) EntryPoint
            0x00007F3A037884F9 (gameassembly) il2cpp_class_enum_basetype

            ========== END OF STACKTRACE ===========

            """)
        #expect(record.signature == "unityplayer+0xee7265")
    }

    // MARK: Emulators

    @Test(
        arguments: [
            ("0x7fff00aa1234/\"/srv/moor/MoorServer + SluiceOpen + 0x44\"", "SluiceOpen"),
            ("0x7fff00aa1234/\"/srv/moor/libmoor.so/SluiceOpen + 0x44\"", "SluiceOpen"),
            ("0x7fff00aa1234//srv/moor/MoorServer:\"/srv/moor/MoorServer/SluiceOpen\"", "SluiceOpen"),
            ("0x7fff00499e57/\"/srv/moor/libmoor.so + 0x99e57\"", "libmoor.so+0x99e57"),
            ("0x100a2b3c/???:\"/srv/moor/MoorServer\"", "MoorServer+…b3c"),
            ("0x80a3ca7//srv/moor/MoorServer:\"???\"", "MoorServer+0x80a3ca7"),
        ])
    func box64Places(place: String, signature: String) throws {
        let record = try only(
            "tick\n31|SIGSEGV @0x350c (???(0x350c)) (x64pc=\(place), rsp=0x1), for accessing 0x18 (code=1/prot=0), "
                + "handler=(nil)\nSegmentation fault\n")
        #expect(record.detector == "box64")
        #expect(record.signature == signature)
        #expect(record.address == Address(0x18))
    }

    @Test func wineWithoutADebugger() throws {
        let log = { (address: String) in
            "wine: Unhandled page fault on read access to FFFFFFFFFFFFFFFF at address \(address) (thread 0124), starting "
                + "debugger...\n/start.sh: line 14:    11 Segmentation fault      wine64 Moor.exe\n"
        }
        #expect(try only(log("0000000140A16904")).signature == "Moor.exe+0xa16904")
        #expect(try only(log("0000000140B22222")).signature == "Moor.exe+0xb22222")
        #expect(try only(log("000000007B01234C")).frames.isEmpty)
    }

    // MARK: Libraries

    @Test func lastWordsOfRuntimes() throws {
        let assertion = try only("tick\nAssertion failed: gate != NULL, file D:\\src\\sluice.c, line 41\n")
        #expect(assertion.frames.first?.file == "D:\\src\\sluice.c")
        #expect(assertion.frames.first?.line == 41)
        let twice = try only(
            "terminate called recursively\nterminate called after throwing an instance of 'moor::Closed'\n")
        #expect(twice.signature == "terminate | moor::Closed")
        let alone = try only("tick\nterminate called without an active exception\n")
        #expect(alone.signature == "terminate | without an active exception")
        #expect(try only("tick\nSegmentation fault (core image recorded)\n").signal == "SIGSEGV")
        let dump = try only("PreMinidumpCallback: updating dump comment\n/srv/x: line 3: 97 Aborted   $HL_CMD\n")
        #expect(!dump.signature.contains("PreMinidump"))
    }

    @Test func stacksOfLibraries() throws {
        let check = try only(
            """
            I1121 04:10:00.000000   811 main.cc:3] up
            F1121 04:12:00.000000   811 sluice.cc:44] Check failed: gate > 0 (0 vs. 0)\u{20}
            *** Check failure stack trace: ***
                @     0x55d0c1a2b3c4  google::LogMessage::Fail()
                @     0x55d0c1a2b3e4  moor::Sluice::Open()
                @     0x55d0c1a2b3f4  main
            Aborted (core dumped)

            """)
        #expect(check.signature == "assert | gate > N | moor::Sluice::Open")
        let signal = try only(
            """
            I1121 04:10:00.000000   811 main.cc:3] up
            *** SIGSEGV received at time=1795234320 on cpu 3 ***
            PC: @     0x55d0c1a2b3c4  (unknown)  moor::Sluice::Open()
                @     0x7f3a10042520  (unknown)  (unknown)
                @     0x55d0c1a2b3f4         16  moor::Tick()

            """)
        #expect(signal.signature == "moor::Sluice::Open")
        #expect(signal.signal == "SIGSEGV")
        let backward = try only(
            """
            up
            Stack trace (most recent call last):
            #2    Object "/srv/moord", at 0x55d0c1a2b3f4, in _start
            #1    Source "/src/main.cpp", line 90, in main [0x55d0c1a2b3f4]
                     89:   while (run)
                  >  90:     sluice.Open();
            #0    Source "/src/sluice.cpp", line 44, in moor::Sluice::Open(int) [0x55d0c1a2b3c4]
            Segmentation fault (Address not mapped to object [0x18])
            Segmentation fault (core dumped)

            """)
        #expect(backward.signature == "moor::Sluice::Open")
        #expect(backward.address == Address(0x18))
        let window = try only(
            """
            Debug Assertion Failed!

            Program: D:\\srv\\moord.exe
            File: D:\\src\\sluice.cpp
            Line: 44

            Expression: gate > 0

            """)
        #expect(window.message == "gate > 0")
        #expect(window.frames.first?.line == 44)
        let glib = try only(
            "up\n**\nERROR:../src/sluice.c:44:sluice_open: assertion failed: (gate != NULL)\nBail out! ERROR:../src/sluice.c:44:"
                + "sluice_open: assertion failed: (gate != NULL)\nAborted (core dumped)\n")
        #expect(glib.signature == "assert | gate != NULL | sluice_open")
    }

    // MARK: Supervisors

    @Test(
        arguments: [
            ("Server exited with exit code 139", "SIGSEGV"), ("            \"ExitCode\": 134,", "SIGABRT"),
            ("Process exited with code -1073741819 (0xC0000005)", nil), ("Moor exited with code 3221226505", nil),
            (
                "[Moor Daemon]: ---------- Detected server process in a crashed state! ----------\n"
                    + "[Moor Daemon]: Exit code: 139\n[Moor Daemon]: Out of memory: false", "SIGSEGV"
            ),
            (
                "[Moor Daemon]: ---------- Detected server process in a crashed state! ----------\n"
                    + "[Moor Daemon]: Exit code: 137\n[Moor Daemon]: Out of memory: true", "SIGKILL"
            ),
        ] as [(String, String?)])
    func supervisors(line: String, signal: String?) throws {
        let record = try only("tick\n" + line + "\n")
        #expect(record.kind == "exit")
        #expect(record.signal == signal)
    }

    @Test(arguments: [
        "my server exited with code 139", "Process exited with code -1073741510", "Process exited with code 3221225786",
        "Tern: exited: tide (terminated by SIGSEGV (core dumped); not expected)",
        "2026-11-20 21:03:10 exited: tide (terminated by SIGSEGV (core dumped); not expected)",
        "[21:03:10] App [moor:0] exited with code [139] via signal [SIGSEGV]", "{\"msg\":\"x\",\"ExitCode\": 139}",
        "Tern: srv[42]: segfault at 18 ip 55d0 sp 7ffd error 4 in x[55d0+1000]",
        "<Tern> [Moor Daemon]: ---------- Detected server process in a crashed state! ----------\n"
            + "[Moor Daemon]: Exit code: 139",
    ])
    func wordsOfOthers(line: String) {
        #expect(count("2026-11-20 21:03:06 [info] players 3\n" + line + "\n") == 0)
    }
}
