import Model
import Testing

@testable import CrashAnalysis

/// Variants of the reports of engines and emulators: other versions, prefixes, orders, missing pieces.
@Suite struct NativeFormatTests: SessionLogSuite {
    // MARK: Unreal

    @Test func unrealSignalWithoutAStack() throws {
        let record = try only(
            """
            LowLevelFatalError [File:Unknown] [Line: 1031]\u{20}
            Ran out of memory allocating 18446744068997660672 bytes with alignment 65536
            Signal 11 caught.
            Malloc Size=65538 LargeMemoryPoolOffset=131122\u{20}
            CommonUnixCrashHandler: Signal=11
            Malloc Size=131160 LargeMemoryPoolOffset=262312\u{20}
            Engine crash handling finished; re-raising signal 11 for the default handler. Good bye.
            Segmentation fault (core dumped)

            """)
        #expect(record.kind == "unreal")
        #expect(record.signal == "SIGSEGV")
        #expect(record.message?.hasPrefix("Ran out of memory allocating ") == true)
        #expect(record.signature.hasPrefix("oom"))
    }

    @Test func unrealTwoListsAreOneStack() throws {
        let record = try only(
            """
            [2026.11.20-21.03.09:137][ 17]LogCore: Error: appError called: Assertion failed: Rope [File:R.cpp] [Line: 9]\u{20}
            [2026.11.20-21.03.09:137][ 17]LogCore: Error: begin: stack for UAT
            [2026.11.20-21.03.09:137][ 17]LogCore: Error: [Callstack] 0x00007f3a10001111 libRope.so!URope::Pull(float) [R.cpp:9]
            [2026.11.20-21.03.09:137][ 17]LogCore: Error: [Callstack] 0x00007f3a10001222 libRope.so!URope::Tick() [UnknownFile]
            [2026.11.20-21.03.09:137][ 17]LogCore: Error: end: stack for UAT
            [2026.11.20-21.03.09:137][ 17]LogCore: Fatal error!

            0x00007f3a10001111 libRope.so!URope::Pull(float) [R.cpp:9]
            0x00007f3a10001222 libRope.so!URope::Tick() []

            """)
        #expect(record.exception == "assertion")
        #expect(record.message == "Rope")
        #expect(names(record) == ["URope::Pull(float)", "URope::Tick()"])
        #expect(record.frames.last?.file == nil)
    }

    @Test func unrealEnsuresDoNotSwallow() throws {
        let ensure = """
            [2026.11.20-21.03.08:137][ 16]LogOutputDevice: Error: === Handled ensure: ===
            [2026.11.20-21.03.08:137][ 16]LogOutputDevice: Error: Ensure condition failed: Wick [File:L.cpp] [Line: 8]\u{20}
            [2026.11.20-21.03.08:137][ 16]LogOutputDevice: Error: [Callstack] 0x0000000004bd0c64 Srv!ALamp::Glow() [L.cpp:8]

            """
        // Each first line of a crash, directly after the ensure and nine lines after it.
        for opening in [
            "Signal 11 caught.", "CommonUnixCrashHandler: Signal=11",
            "[2026.11.20-21.03.09:137][ 17]LogCore: === Critical error: ===",
            "[2026.11.20-21.03.09:137][ 17]LogCore: Error: === Critical error: ===",
            "Assertion failed: Tub [File:T.cpp] [Line: 3]",
        ] {
            for gap in [0, 4, 9] {
                let between = (0..<gap).map { "[2026.11.20-21.03.08:200][ \($0)]LogNet: join \($0)\n" }.joined()
                let crash =
                    opening + "\n0x0000000004bd1111 Srv!ATub::Fill(int) [T.cpp:3]\n0x0000000004bd2222 Srv!Run() []\n"
                let records = analyze(ensure + between + crash)
                #expect(records.map(\.isCrash) == [true, false], "\(opening) after \(gap)")
                #expect(records.first?.frames.first?.function == "ATub::Fill(int)")
                #expect(records.last?.frames.count == 1)
            }
        }
    }

    @Test func ensureOfAnotherThreadMeanwhile() throws {
        let records = analyze(
            """
            [2026.11.20-21.03.09:137][ 17]LogOutputDevice: Error: === Handled ensure: ===
            [2026.11.20-21.03.09:137][ 17]LogOutputDevice: Error: Ensure condition failed: Wick [File:L.cpp] [Line: 8]\u{20}
            CommonUnixCrashHandler: Signal=11
            [2026.11.20-21.03.09:137][ 17]LogOutputDevice: Error: [Callstack] 0x0000000004bd0c64 Srv!ALamp::Glow() [L.cpp:8]
            [2026.11.20-21.03.09:137][ 17]LogCore: === Critical error: ===
            0x0000000004bd1111 Srv!ATub::Fill(int) [T.cpp:3]

            """)
        #expect(records.map(\.isCrash) == [true, false])
        #expect(records.first.map(names) == ["ATub::Fill(int)"])
    }

    @Test func unrealHitchesAreNoCrash() {
        let text = """
            [2026.11.20-21.03.08:137][ 16]LogThreadHeartbeat: Error: Hang detected on GameThread (thread hasn't sent a heartbeat for 25.00 seconds):
            [2026.11.20-21.03.08:137][ 16]LogThreadHeartbeat: Error: [Callstack] 0x0000000004bd0c64 Srv!ALamp::Glow() [L.cpp:8]
            [2026.11.20-21.03.08:137][ 16]LogCore: Warning: Hitch of 412 ms, GameThread stack:
            [2026.11.20-21.03.08:137][ 16]LogCore: Warning: 0x0000000004bd0c64 Srv!ALamp::Glow() [L.cpp:8]

            """
        #expect(analyze(text).isEmpty)
    }

    @Test func unrealChatIsNoPartOfAReport() throws {
        let record = try only(
            """
            [2026.11.20-21.03.09:137][ 17]LogWindows: Error: === Critical error: ===
            [2026.11.20-21.03.09:137][ 17]LogChat: Display: 0x0000000004bd0c64 Srv!AForged::Name() [L.cpp:8]
            [2026.11.20-21.03.09:137][ 17]LogWindows: Error: Fatal error: [File:G.cpp] [Line: 3]\u{20}
            [2026.11.20-21.03.09:137][ 17]LogChat: Display: [Bob] forged words
            [2026.11.20-21.03.09:137][ 17]LogWindows: Error: Gate is gone
            [2026.11.20-21.03.09:137][ 17]LogWindows: Error: [Callstack] 0x00007ff61a2b3c4d Srv.exe!AGate::Open() [G.cpp:3]

            """)
        #expect(record.message == "Gate is gone")
        #expect(names(record) == ["AGate::Open()"])
    }

    // MARK: Unity, Mono, Godot

    @Test func unityAbortHasNoAddress() throws {
        let record = try only(
            """
            Caught fatal signal - signo:6 code:-6 errno:0 addr:0x3e800001092
            Obtained 3 stack frames.
            #0  0x007f3a10042520 in killpg
            #1  0x007f3a109792c3 in Reed::Cut(Blade const*)
            #2  0x00000040722eb5 in (wrapper runtime-invoke) object:runtime_invoke_void__this__ (object,intptr,intptr,intptr)

            """)
        #expect(record.signal == "SIGABRT")
        #expect(record.exception == "SI_TKILL")
        #expect(record.address == nil)
        #expect(names(record) == ["killpg", "Reed::Cut(Blade const*)", "object:runtime_invoke_void__this__"])
    }

    @Test func unityOnWine() throws {
        let record = try only(
            """
            Crash!!!
            SymInit: Symbol-SearchPath: '.;', symOptions: 534, UserName: 'root'
            OS-Version: 10.0.19043 () 0x100-0x1

            ========== OUTPUTTING STACK TRACE ==================

            ERROR: SymGetSymFromAddr64, GetLastError: 'Success' (Address: 00007F6121085429)
            0x00007F6121085429 (ntdll) (function-name not available)
            0x0000000180EE7265 (UnityPlayer) UnityMain
            0x0000000040721111 (Mono JIT Code) (wrapper managed-to-native) Dock.Native:Moor (Dock.Boat)
            0x0000000040722222 (Mono JIT Code) [Dock.cs:31] Dock.Pier:Update ()
            0x000000007B6412F0 (ntdll) RtlUserThreadStart

            ========== END OF STACKTRACE ===========

            """)
        #expect(record.kind == "unity")
        #expect(names(record) == [nil, nil, "Dock.Native:Moor", "Dock.Pier:Update", "RtlUserThreadStart"])
        #expect(record.frames.map(\.module) == ["ntdll", "UnityPlayer", nil, nil, "ntdll"])
        #expect(record.memberOffset == 0)
    }

    @Test func monoOldBehindAStamp() throws {
        let text = """
            Stacktrace:

              at <unknown> <0xffffffff>
              at (wrapper managed-to-native) Quay.Native:Haul (intptr) [0x0000b] in <eae584ce26bc>:0
              at Quay.Server:Run () [0x00037] in /src/Quay.cs:88

            Native stacktrace:

            \tmono() [0x4b73d8]
            \t/lib/x86_64-linux-gnu/libpthread.so.0(+0x10340) [0x7f259015d340]
            \t/srv/libhaul.so(haul_in+0x12) [0x7f2590111111]

            Debug info from gdb:

            =================================================================
            Got a SIGSEGV while executing native code. This usually indicates
            a fatal error in the mono runtime or one of the native libraries\u{20}
            used by your application.
            =================================================================

            Aborted (core dumped)

            """
        for prefix in ["", "[2026-11-20 21:03:09]: "] {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { prefix + $0 }
            let record = try only(lines.joined(separator: "\n"))
            #expect(record.kind == "mono")
            #expect(record.signal == "SIGSEGV")
            #expect(names(record).contains("haul_in"))
            #expect(names(record).contains("Quay.Native:Haul"))
        }
    }

    @Test func godotWithAScript() throws {
        let record = try only(
            """
            ================================================================
            handle_crash: Program crashed with signal 4
            Engine version: Godot Engine v4.5.stable
            Dumping the backtrace. Please include this when reporting the bug.
            [1] /usr/lib/libc.so.6(+0x3e4d0) [0x7f3a1003e4d0] (??:0)
            [2] /srv/fen.x86_64(+0x2d1c41a) [0x55d0c4d1c41a] (??:0)
            -- END OF C++ BACKTRACE --
            ================================================================
            GDScript backtrace (most recent call first):
                [0] _physics_process (res://boat.gd:41)
            -- END OF GDSCRIPT BACKTRACE --
            ================================================================
            Illegal instruction (core dumped)

            """)
        #expect(record.signal == "SIGILL")
        #expect(record.frames.map(\.module).prefix(2) == ["libc.so.6", "fen.x86_64"])
        #expect(record.frames[1].offset == Address(0x2d1c41a))
        #expect(record.frames.last?.function == "_physics_process")
        #expect(record.frames.last?.line == 41)
    }

    // MARK: Factorio, Luanti, Bedrock, SA-MP

    @Test func factorioOnWindows() throws {
        let record = try only(
            """
               0.785 Error CrashHandler.cpp:621: Received SIGSEGV
            Smeltery crashed. Generating symbolized stacktrace, please wait ...
            C:\\build\\StackWalker\\StackWalker.cpp(924): StackWalker::ShowCallstack
            c:\\build\\src\\util\\logger.cpp (371): Logger::writeStacktrace
            ERROR: SymGetLineFromAddr64, GetLastError: 487 (Address: 00007FFE6B3294F0)
            00007FFE6B3294F0 (KERNELBASE): (filename not available): UnhandledExceptionFilter
            c:\\build\\src\\entity\\furnace.cpp (88): Furnace::pour
               0.948 Error Util.cpp:95: Unexpected error occurred.

            """)
        #expect(record.signal == "SIGSEGV")
        #expect(
            names(record) == [
                "StackWalker::ShowCallstack", "Logger::writeStacktrace", "UnhandledExceptionFilter", "Furnace::pour",
            ])
        #expect(record.frames.last?.line == 88)
    }

    @Test func luantiScriptErrorsEndTheServer() throws {
        let record = try only(
            """
            2026-11-20 21:03:00: ACTION[Server]: Okapi uses fen:boat
            2026-11-20 21:03:09: ERROR[Main]: ServerError: AsyncErr: Lua: Runtime error from mod 'fen' in callback item_OnUse(): ...mods/fen/init.lua:22: attempt to index local 'v' (a nil value)
            2026-11-20 21:03:09: ERROR[Main]: stack traceback:
            2026-11-20 21:03:09: ERROR[Main]: \t[C]: in function 'assert'
            2026-11-20 21:03:09: ERROR[Main]: \t...mods/fen/boat.lua:61: in function 'launch'
            2026-11-20 21:03:09: ERROR[Main]: \t...mods/fen/init.lua:22: in function <...mods/fen/init.lua:20>

            """)
        #expect(record.kind == "luanti")
        #expect(record.message?.hasPrefix("Runtime error from mod 'fen'") == true)
        #expect(names(record) == ["assert", "launch", nil])
        #expect(record.frames[1].line == 61)
        let abort = try only(
            """
            2015-08-05 18:44:50: ERROR[main]: UNRECOVERABLE error occurred. Stopping server. Please fix the following error:
            2015-08-05 18:44:50: ERROR[main]: Lua: Node name is not set

            In thread 7f2241deb780:
            /home/fen/src/server.cpp:511: void Server::step(float): A fatal error occurred: Lua: Node name is not set
            Debug stacks:

            """)
        #expect(abort.message == "Node name is not set")
    }

    @Test func bedrockBlockBehindALogger() throws {
        let block = [
            "Package: org.example.quarry.dedicatedserver", "Version: 1.21.123.2", "OS: Linux",
            "Server start: 2026-11-20 21:00:55 EST", "Dmp timestamp: 2026-11-20 21:03:09 EST",
            "Session ID: 6f0a2c14-9d2e-4a53-8c4b-0d8f5a7c1e22", "Build id: 38886143",
            "CrashReporter Key: 6f0a2c14-9d2e-4a53-8c4b-0d8f5a7c1e22", "Crash", "\tat Quarry::dig (quarry.cpp:12)",
        ]
        for prefix in ["", "[2026-11-20 21:03:09.643 INFO] [Server] "] {
            let record = try only(block.map { prefix + $0 }.joined(separator: "\n") + "\n")
            #expect(record.kind == "bedrock")
            #expect(names(record) == ["Quarry::dig"])
        }
        let chat = block.map { "[2026-11-20 21:03:09.643 INFO] Okapi: " + $0 }.joined(separator: "\n") + "\n"
        #expect(analyze(chat).isEmpty)
    }

    @Test func crashdetect() throws {
        let native = """
            [21:03:09] [debug] Server crashed due to an unknown error
            [21:03:09] [debug] Native backtrace:
            [21:03:09] [debug] #0 f214b62f in _Z13GetStackTraceRSt6vectorI10StackFrameSaIS0_EEPv () in plugins/crashdetect.so
            [21:03:09] [debug] #1 f2144f1c in _ZN11CrashDetect7OnCrashERKN2os7ContextE () in plugins/crashdetect.so
            [21:03:09] [debug] #2 f7fbb0a0 in __kernel_rt_sigreturn () in linux-gate.so.1
            [21:03:09] [debug] #3 f1e4d41a in ProcessReed () from plugins/reed.so
            [21:03:09] [debug] #4 080d1ce2 in ?? () in ./fen03svr
            [21:03:09] [debug] Registers:
            [21:03:09] [debug] EAX: 00000001 EBX: f1e52000 ECX: 0a068010 EDX: 0a068010

            """
        let record = try only(native)
        #expect(record.kind == "crashdetect")
        #expect(record.frames.count == 5)
        #expect(record.frames[3].function == "ProcessReed")
        #expect(record.frames[4].offset == Address(0x80d1ce2))
        let script = try only(
            """
            [21:03:09] [debug] Server crashed while executing fen.amx
            [21:03:09] [debug] AMX backtrace:
            [21:03:09] [debug] #0 native fclose () in fen03svr
            [21:03:09] [debug] #1 004b1e20 in Log (name[]=@0b6bedc8 "login.log") at ./core/file.pwn:67
            [21:03:09] [debug] #2 0011a870 in public OnLeave (playerid=0, reason=1) at ./core/leave.pwn:2113

            """)
        #expect(names(script) == ["fclose", "Log", "OnLeave"])
        #expect(script.executable == "fen.amx")
        #expect(script.frames[1].line == 67)
        let errors = analyze(
            """
            [21:03:09] [debug] Run time error 4: "Array index out of bounds"
            [21:03:09] [debug]  Accessing element at index 20 past array upper bound 19
            [21:03:09] [debug] AMX backtrace:
            [21:03:09] [debug] #0 0003f674 in public OnTick () at tick.pwn:12
            [21:03:10] tick

            """)
        #expect(errors.map(\.kind) == ["error"])
        #expect(errors.first?.message == "Array index out of bounds")
        #expect(errors.first?.frames.first?.function == "OnTick")
    }

    // MARK: Emulators

    @Test func box64() throws {
        let line =
            "SIGSEGV @0xf1af4456a33c (???(0xf1af4456a33c)) (x64pc=0x7fff00499e57/\"/srv/libFen-Core.so/_ZN4Reed3CutEi + 0x97\", "
            + "rsp=0xf1afdf7fd0f0), for accessing 0x3 (code=1/prot=0), db=0xf1af69c4e880"
        for lead in ["[BOX64] 2355099|", "2355099|"] {
            let record = try only("tick\n" + lead + line + "\nRAX:0x00007fff00b8a578 RCX:0x00000001149c5000\n")
            #expect(record.kind == "box64")
            #expect(record.pid == 2_355_099)
            #expect(record.signal == "SIGSEGV")
            #expect(record.address == Address(3))
            #expect(names(record) == ["Reed::Cut(int)"])
            #expect(record.frames.first?.module == "libFen-Core.so")
        }
        // A program that handles the signal continues.
        let handled = "2355099|" + line + " handler=0x7fff007a7940\n21:03:09 tick\n21:03:10 tick\n"
        #expect(analyze(handled).allSatisfy { !$0.isCrash })
        let engines = "Assertion failed: Marks > 0 [File:Misc/MemStack.h] [Line: 122]\n\n[BOX64] 2355099|" + line + "\n"
        let assertion = try only(engines)
        #expect(assertion.kind == "unreal")
        #expect(assertion.signal == "SIGSEGV")
        #expect(assertion.signature.hasPrefix("assert | Marks > N"))
        #expect(try only("4242|Sigfault/Segbus (quit=0)\n").signal == "SIGSEGV")
    }

    @Test func wineOf32Bits() throws {
        let record = try only(
            """
            wine: Unhandled page fault on read access to 00000000 at address 01FC9328 (thread 0024), starting debugger...
            0014:err:ole:marshal_object couldn't get IPSFactory buffer
            Unhandled exception: page fault on read access to 0x00000000 in 32-bit code (0x01fc9328).
            Register dump:
             CS:0023 SS:002b DS:002b ES:002b FS:0063 GS:006b
            Backtrace:
            =>0 0x01fc9328 EntryPoint+0x304bf() in fen main (0x0021ee1c)
              1 0x6ed9e03c call_window_proc+0x63(hwnd=0004005C, msg=0x1) [Z:\\dlls\\user32\\winproc.c:246] in user32 (0x0021eec8)
              2 0x04a51099 (0x0032e8cc)
            Modules:
            Module	Address			Debug info	Name (47 modules)
            PE	  1d00000- 2085000	Export          fen main
            PE	 6ed00000- 6ee00000	Dwarf           user32

            """)
        #expect(record.exception == "EXCEPTION_ACCESS_VIOLATION")
        #expect(record.access == "read")
        #expect(record.address == Address(0))
        #expect(names(record) == [nil, "call_window_proc", nil])
        #expect(record.frames[0].module == "fen main")
        #expect(record.frames[0].offset == Address(0x2c9328))
        #expect(record.frames[1].line == 246)
        #expect(analyze("Unhandled exception: System.Exception: in the game\n").isEmpty)
        let fast = try only(
            "tick\n0024:err:seh:NtRaiseException Unhandled exception code c0000409 flags 1 addr 0x7bc53c04\n")
        #expect(fast.exception == "STATUS_STACK_BUFFER_OVERRUN")
    }
}
