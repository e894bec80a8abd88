import Model
import Testing

@testable import CrashAnalysis

/// Go, Rust and Python: variants of what their runtimes print.
@Suite struct LanguageFormatTests: LogSuite {
    // MARK: Go

    @Test func goPanicsInsidePanics() throws {
        for mark in ["[recovered]", "[recovered, repanicked]"] {
            let crash = try theCrash(
                """
                panic: no seat \(mark)
                \tpanic: runtime error: invalid memory address or nil pointer dereference
                [signal SIGSEGV: segmentation violation code=0x1 addr=0x28 pc=0x6b1a2c]

                goroutine 34 gp=0xc000102c40 m=4 mp=0xc00008e008 [running]:
                panic({0x6f0f20?, 0xa3f2d0?})
                \t/usr/local/go/src/runtime/panic.go:785 +0x132 fp=0xc0001b5e60 sp=0xc0001b5db0 pc=0x43a0f2
                main.(*Hall).Seat(...)
                \t/app/hall.go:44
                main.Open[...](0xc000, {0x1, 0x2})
                \t/app/my hall/open.go:12 +0x1c fp=0xc0001b5f10 sp=0xc0001b5e60 pc=0x6b1a2c
                created by main.main in goroutine 1
                \t/app/main.go:9 +0x25
                exit status 2
                """)
            #expect(crash.signal == "SIGSEGV")
            #expect(crash.address == Address(0x28))
            #expect(crash.message == "runtime error: invalid memory address or nil pointer dereference")
            #expect(crash.thread == 34)
            #expect(crash.frames.map(\.function) == ["panic", "main.(*Hall).Seat", "main.Open[...]", "main.main"])
            #expect(crash.frames[2].file == "/app/my hall/open.go")
            #expect(crash.frames[2].line == 12)
        }
    }

    @Test func goSignalInC() throws {
        let text = """
            SIGSEGV: segmentation violation
            PC=0x4a91f0 m=3 sigcode=1 addr=0x8
            signal arrived during cgo execution

            goroutine 0 gp=0x5a6c20 m=0 mp=0x5a7ac0 [idle]:
            runtime.futex(0x5a7b58, 0x80, 0x0)
            \t/usr/local/go/src/runtime/sys_linux_amd64.s:558 +0x21

            goroutine 17 [syscall, locked to thread]:
            runtime.cgocall(0x4a91e0, 0xc00004ae60)
            \t/usr/local/go/src/runtime/cgocall.go:157 +0x4b
            main._Cfunc_bend(0x0)
            \t_cgo_gotypes.go:40 +0x3f
            main.main()
            \t/app/main.go:12 +0x1c

            rax    0x0
            rip    0x4a91f0
            """
        let crash = try theCrash(text)
        #expect(crash.signal == "SIGSEGV")
        #expect(crash.address == Address(8))
        #expect(crash.thread == 17)
        #expect(crash.frames.map(\.function).contains("main._Cfunc_bend"))
        let quit = text.replacing("SIGSEGV: segmentation violation", with: "SIGQUIT: quit")
            .replacing("sigcode=1 addr=0x8", with: "sigcode=0")
        #expect(analyze(quit).filter(\.isCrash).isEmpty)
    }

    @Test func goStacksOfTheLivingAreNoCrash() {
        for head in [
            "2026/11/20 21:03:04 http: panic serving 10.0.0.4:51234: no seat\ngoroutine 104 [running]:\n",
            "2026/11/20 21:03:04 recovered from no seat\ngoroutine 104 [running]:\n",
            "goroutine 104 [running]:\nruntime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:26 +0x5e\n",
        ] {
            let text = "2026/11/20 21:03:00 up\n" + head + "main.(*API).Stats(0x0)\n\t/app/api.go:44 +0x1c\n"
            #expect(analyze(text).filter(\.isCrash).isEmpty)
        }
    }

    @Test func goDeadlockAndOverflow() throws {
        let deadlock = """
            hall-1  | 2026/11/20 21:03:00 up
            hall-1  | 2026/11/20 21:03:01 tick
            hall-1  | 2026/11/20 21:03:02 tick
            hall-1  | fatal error: all goroutines are asleep - deadlock!
            hall-1  |
            hall-1  | goroutine 1 [chan receive]:
            hall-1  | main.(*Hall).Wait(...)
            hall-1  | \t/app/hall.go:40
            hall-1  | main.main()
            hall-1  | \t/app/main.go:12 +0x5d
            hall-1 exited with code 2
            """
        #expect(try theCrash(deadlock).signature == "fatal error | main.(*Hall).Wait")
        let overflow = """
            [21:03:00] up
            [21:03:01] tick
            runtime: goroutine stack exceeds 1000000000-byte limit
            runtime: sp=0xc0200e0390 stack=[0xc0200e0000, 0xc0400e0000]
            fatal error: stack overflow

            runtime stack:
            runtime.throw({0x48d5c3?, 0x0?})
            \t/usr/local/go/src/runtime/panic.go:1077 +0x5c fp=0x7ffd sp=0x7ffc pc=0x4
            runtime.newstack()
            \t/usr/local/go/src/runtime/stack.go:1107 +0x5bd

            goroutine 1 [running]:
            main.walk(0x1)
            \t/app/walk.go:3 +0x2f
            main.walk(0x2)
            \t/app/walk.go:4 +0x1c
            ...additional frames elided...
            created by main.start
            \t/app/main.go:9 +0x1
            """
        #expect(try theCrash(overflow).signature == "stack overflow | main.walk")
    }

    @Test func goWithoutGoroutines() throws {
        #expect(try theCrash("panic: no seat\nexit status 2\n").message == "no seat")
        #expect(analyze("panic: no seat\nnext\n").isEmpty)
    }

    @Test func goRaceIsAnError() throws {
        let records = analyze(
            """
            ==================
            WARNING: DATA RACE
            Write at 0x00c0000b4010 by goroutine 7:
              main.(*Hall).Seat()
                  /app/hall.go:10 +0x38

            Previous read at 0x00c0000b4010 by main goroutine:
              main.main()
                  /app/main.go:14 +0x84
            ==================
            """)
        #expect(records.map(\.kind) == ["error"])
        #expect(records.first?.frames.map(\.function) == ["main.(*Hall).Seat"])
        #expect(records.first?.access == "write")
    }

    // MARK: Rust

    @Test(arguments: [
        "thread 'main' panicked at 'no seat', src/hall.rs:44:9\n",
        "thread 'main' panicked at src/hall.rs:44:9:\nno seat\n",
        "thread 'main' (4260) panicked at src/hall.rs:44:9:\nno seat\n",
        "2026-11-20T21:03:09Z ERROR panic: thread 'main' panicked at 'no seat': src/hall.rs:44\n",
    ])
    func rustForms(text: String) throws {
        let crash = try theCrash("hall is open\n" + text)
        #expect(crash.message == "no seat")
        #expect(crash.threadName == "main")
        #expect(crash.frames.first?.file == "src/hall.rs")
        #expect(crash.frames.first?.line == 44)
    }

    /// A runtime catches the panics of its workers.
    @Test func rustWorkerOfALivingServer() {
        let text = """
            2026-11-20T21:03:00.137Z INFO hall: up
            2026-11-20T21:03:01.137Z INFO hall: tick 1
            2026-11-20T21:03:02.137Z INFO hall: tick 2

            thread 'tokio-runtime-worker' (12) panicked at src/hall.rs:44:9:
            no seat
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
            2026-11-20T21:03:03.137Z INFO hall: tick 3
            2026-11-20T21:03:04.137Z INFO hall: tick 4
            """
        #expect(analyze(text).map(\.kind) == ["error"])
    }

    @Test func rustAssertionsTakeSeveralLines() throws {
        let crash = try theCrash(
            """
            thread '<unnamed>' (88) panicked at src/hall.rs:44:9:
            assertion `left == right` failed: seats
              left: 1
             right: 2
            stack backtrace:
               0: rust_begin_unwind
                         at /rustc/90b35a6/library/std/src/panicking.rs:647:5
               1: core::panicking::panic_fmt
               2: hall::Hall::seat
                         at ./src/hall.rs:44:9
            note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
            """)
        #expect(crash.frames.last?.function == "hall::Hall::seat")
        #expect(crash.thread == 88)
        #expect(crash.message == "assertion `left == right` failed: seats")
    }

    @Test func rustDeathsOfTheRuntime() throws {
        let overflow = try theCrash(
            "\nthread 'main' (12) has overflowed its stack\nfatal runtime error: stack overflow, aborting\n"
                + "Aborted (core dumped)\n")
        #expect(overflow.signature == "stack overflow")
        #expect(overflow.signal == "SIGABRT")
        #expect(try theCrash("memory allocation of 8589934592 bytes failed\n").signature.hasPrefix("oom"))
        #expect(
            try theCrash("fatal runtime error: failed to initiate panic, error 5, aborting\n").exception
                == "fatal runtime error")
        let twice = try theCrash(
            """
            thread 'pool-1' panicked at src/hall.rs:44:9:
            no seat
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
            thread 'pool-1' panicked at src/seat.rs:7:5:
            again
            thread 'pool-1' panicked at library/core/src/panicking.rs:233:5:
            panic in a destructor during cleanup
            thread caused non-unwinding panic. aborting.
            Aborted (core dumped)
            """)
        #expect(twice.message == "no seat")
    }

    @Test func rustHandlers() throws {
        let eyre = try theCrash(
            """
            The application panicked (crashed).
            Message:  no seat
            Location: src/hall.rs:44

            Backtrace omitted. Run with RUST_BACKTRACE=1 environment variable to display it.
            """)
        #expect(eyre.message == "no seat")
        #expect(eyre.frames.first?.line == 44)
        let human = try theCrash(
            """
            Well, this is embarrassing.

            hall had a problem and crashed. To help us diagnose the problem you can send us a crash report.

            We have generated a report file at "/tmp/report-1e0f.toml". Submit an issue or email with the subject of "x".
            """)
        #expect(human.message == "hall had a problem and crashed")
    }

    // MARK: Python

    private let trace = """
        Traceback (most recent call last):
          File "/srv/hall/main.py", line 88, in <module>
            main()
            ~~~~^^
          File "/srv/hall/seat.py", line 4, in take
            raise LookupError("no seat")
        LookupError: no seat

        """

    @Test func pythonEndsAtItsModule() throws {
        let lines = (0..<20).map { "[entrypoint] step \($0)\n" }.joined()
        let crash = try theCrash("2026-11-20 21:03:00,137 INFO hall: up\n" + trace + lines)
        #expect(crash.frames.first?.function == "take")
    }

    @Test(arguments: [
        "Exception in thread Thread-3 (serve):\n", "Task exception was never retrieved\nfuture: <Task finished>\n",
        "Exception ignored in: <function Seat.__del__ at 0x7f3a>\n", "--- Logging error ---\n",
    ])
    func pythonGoesOn(head: String) {
        let text =
            "2026-11-20 21:03:00,137 INFO hall: up\n" + head
            + trace.replacing("main.py\", line 88, in <module>", with: "threading.py\", line 1045, in _bootstrap_inner")
        #expect(analyze(text).map(\.kind) == ["error"])
    }

    @Test func faulthandlerNamesTheThreadThatFailed() throws {
        let crash = try theCrash(
            """
            Fatal Python error: Segmentation fault

            Thread 0x00007f3a10dff640 (most recent call first):
              File "/usr/lib/python3.11/selectors.py", line 468 in select
              File "/usr/lib/python3.11/threading.py", line 995 in _bootstrap

            Current thread 0x00007f3a1c2b4740 [hall-loop] (most recent call first):
              File "/srv/hall/native.py", line 12 in bend
              File "/srv/hall/main.py", line 3 in <module>

            Extension modules: numpy.core._multiarray_umath (total: 1)
            Segmentation fault (core dumped)
            """)
        #expect(crash.signal == "SIGSEGV")
        #expect(crash.threadName == "hall-loop")
        #expect(crash.frames.map(\.function) == ["bend", "<module>"])
        let state = try theCrash(
            """
            Fatal Python error: _enter_buffered_busy: could not acquire lock for <_io.BufferedWriter name='<stdout>'>
            Python runtime state: finalizing (tstate=0x000055)
            """)
        #expect(state.signal == "SIGABRT")
        let windows = try theCrash(
            """
            Windows fatal exception: access violation

            Current thread 0x000024a8 (most recent call first):
              File "C:\\\\hall\\\\native.py", line 12 in bend
            """)
        #expect(windows.exception == "EXCEPTION_ACCESS_VIOLATION")
    }
}
