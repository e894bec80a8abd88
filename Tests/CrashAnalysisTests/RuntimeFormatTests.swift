import Model
import Testing

@testable import CrashAnalysis

/// .NET, Mono, node, deno and bun: variants of what the runtimes print.
@Suite struct RuntimeFormatTests: LogSuite {
    // MARK: .NET and Mono

    @Test func innerExceptionsNameTheBug() throws {
        let text = """
            Unhandled exception. System.AggregateException: One or more errors occurred. (no dock)
             ---> System.InvalidOperationException: no dock
               at Harbor.Dock.Take(Int32 id) in /src/Dock.cs:line 44
               at Harbor.Pier.<RunAsync>d__4.MoveNext()
            --- End of stack trace from previous location ---
               at Harbor.Pier.Start()
               --- End of inner exception stack trace ---
               at System.Threading.Tasks.Task.Wait()
               at Harbor.Program.Main(String[] args)
            """
        let crash = try theCrash(text)
        #expect(crash.exception == "System.InvalidOperationException")
        #expect(crash.message == "no dock")
        #expect(crash.frames.first?.function == "Harbor.Dock.Take")
        #expect(crash.frames.first?.line == 44)
        #expect(crash.signature == "System.InvalidOperationException | Harbor.Dock.Take")
    }

    @Test(arguments: [
        "\nUnhandled Exception:\nSystem.NullReferenceException: no crane\n",
        "[ERROR] FATAL UNHANDLED EXCEPTION: System.NullReferenceException: no crane\n",
        "\nUnhandled Exception: System.NullReferenceException: no crane\n",
    ])
    func mono(head: String) throws {
        let text =
            head + """
                  at Harbor.Crane.Lift (System.Int32 tons) [0x00017] in <0ebea07e9a804a06a9f1dd17904b9c9c>:0 
                  at (wrapper managed-to-native) Harbor.Native.Pull(intptr)
                  at Harbor.Program.Main (System.String[] args) [0x0008d] in /src/Program.cs:12 

                """
        let crash = try theCrash("Listening on port 7777\n" + text)
        #expect(crash.exception == "System.NullReferenceException")
        #expect(crash.message == "no crane")
        #expect(
            crash.frames.map(\.function) == ["Harbor.Crane.Lift", "Harbor.Native.Pull", "Harbor.Program.Main"])
        #expect(crash.frames.map(\.line) == [nil, nil, 12])
    }

    /// Mono prints the same exception twice.
    @Test func monoTwiceIsOneDeath() throws {
        let frames = "  at Harbor.Crane.Lift () [0x00017] in <0ebea07e9a80>:0 \n"
        let text =
            "\nUnhandled Exception:\nSystem.NullReferenceException: x\n" + frames
            + "[ERROR] FATAL UNHANDLED EXCEPTION: System.NullReferenceException: x\n" + frames
        _ = try theCrash(text)
    }

    @Test func lastWordsOfTheRuntime() throws {
        let failFast = try theCrash(
            """
            Process terminated. no ICU package
               at System.Environment.FailFast(System.String)
               at Harbor.Setup.Load()
               at Harbor.Program.Main(System.String[])
            """)
        #expect(failFast.exception == "FailFast")
        #expect(failFast.message == "no ICU package")
        #expect(failFast.signature == "FailFast | Harbor.Setup.Load")
        let assertion = try theCrash(
            """
            Process terminated. Assertion failed.
            berth is free
               at Harbor.Dock.Moor(Int32 id) in /src/Dock.cs:line 9
               at Harbor.Program.Main(String[] args)
            """)
        #expect(assertion.exception == "Assertion failed")
        #expect(assertion.message == "berth is free")
        #expect(assertion.frames.count == 2)
        let engine = try theCrash(
            """
            Fatal error. Internal CLR error. (0x80131506)
               at Harbor.Native.Pull(IntPtr)
               at System.Threading.Tasks.Task`1[[System.Int32, System.Private.CoreLib, Version=8.0.0.0]].InnerInvoke()
            """)
        #expect(engine.exception == "System.ExecutionEngineException")
        #expect(
            engine.frames.map(\.function) == ["Harbor.Native.Pull", "System.Threading.Tasks.Task`1.InnerInvoke"])
        #expect(try theCrash("Process is terminated due to StackOverflowException.\n").signature == "stack overflow")
        let overflow = try theCrash(
            """
            Stack overflow.
               at Harbor.Net.Walk(Harbor.Node)
               at Harbor.Net.Walk(Harbor.Node)
               at Harbor.Program.Main(System.String[])
            Aborted (core dumped)
            """)
        #expect(overflow.signature == "stack overflow | Harbor.Net.Walk")
    }

    @Test func wordsAloneAreNoCrash() {
        for text in [
            "Process terminated. Restarting in 5 seconds\nup\n", "Stack overflow. I mean the site\nup\n",
            "Fatal error. Please try later\nup\n", "[21:03:00 INFO]: <Okapi> Stack overflow.\n",
        ] {
            #expect(analyze(text).isEmpty)
        }
    }

    @Test func createdump() throws {
        let text = """
            [createdump] Gathering state for process 31 Harbor.Server
            [createdump] Crashing thread 002a signal 11 (000b)
            [createdump] Writing minidump with heap to file /tmp/coredump.31
            [createdump] Written 812331008 bytes (198323 pages) to core file
            [createdump] Dump successfully written in 302ms
            """
        let crash = try theCrash(text)
        #expect(crash.signal == "SIGSEGV")
        #expect(crash.pid == 31)
        #expect(crash.thread == 42)
        #expect(analyze("[createdump] Gathering state for process 31 Harbor.Server\n").isEmpty)
        let words = "Unhandled exception. System.Exception: x\n   at Harbor.A.B()\n"
        let both = try theCrash(words + text.replacing("signal 11 (000b)", with: "signal 6 (0006)"))
        #expect(both.exception == "System.Exception")
        #expect(both.pid == 31)
    }

    @Test func dotnetInDockersFile() throws {
        let text = #"""
            {"log":"[21:03:00 INFO]: up\n","stream":"stdout","time":"2026-11-20T21:03:00Z"}
            {"log":"Unhandled exception. System.NullReferenceException: Object reference not set to an instance of an object.\n","stream":"stderr","time":"2026-11-20T21:03:09Z"}
            {"log":"   at Harbor.Net.Session+\u003c\u003ec__DisplayClass3_0.\u003cOpen\u003eb__1(Object o) in C:\\src\\Net.cs:line 12\n","stream":"stderr","time":"2026-11-20T21:03:09Z"}
            {"log":"   at System.Threading.ThreadPoolWorkQueue.Dispatch()\n","stream":"stderr","time":"2026-11-20T21:03:09Z"}
            """#
        #expect(try theCrash(text).signature == "System.NullReferenceException | Harbor.Net.Session.Open")
    }

    @Test func nodeWithFieldsAndACause() throws {
        let text = """
            0|hall  | listening
            0|hall  | room
            0|hall  | room
            0|hall  | /srv/hall/index.js:9
            0|hall  |   throw new RangeError('seat')
            0|hall  |   ^
            0|hall  |
            0|hall  | RangeError [ERR_OUT_OF_RANGE]: The value of "seat" is out of range.
            0|hall  |     at take (/srv/hall/index.js:9:9)
            0|hall  |     at Object.<anonymous> (/srv/hall/index.js:20:1) {
            0|hall  |   code: 'ERR_OUT_OF_RANGE',
            0|hall  |   [cause]: Error: inner
            0|hall  |       at deep (/srv/hall/deep.js:1:1)
            0|hall  | }
            0|hall  |
            0|hall  | Node.js v22.3.0
            PM2     | App [hall:0] exited with code [1] via signal [SIGINT]
            PM2     | App [hall:0] online
            0|hall  | listening
            """
        let crash = try theCrash(text)
        #expect(crash.signature == "RangeError | take")
        #expect(crash.frames.count == 2)
        #expect(crash.notes == ["Caused by: Error: inner"])
    }

    /// The program logs at its highest level that it ends; an error at that level that it survives is not a crash.
    @Test func programsThatLogTheirEnd() throws {
        let trace = "System.IO.IOException: no dock\n   at Harbor.Dock.Take()\n"
        let after = "[21:03:10 INF] Closing\n[21:03:10 INF] Bye\n"
        let crash = try theCrash("[21:03:00 INF] up\n[21:03:09 FTL] Host terminated unexpectedly\n" + trace + after)
        #expect(crash.signature == "System.IO.IOException | Harbor.Dock.Take")
        for level in ["FTL] Save failed", "ERR] Host terminated unexpectedly"] {
            #expect(analyze("[21:03:00 INF] up\n[21:03:09 " + level + "\n" + trace + after).map(\.kind) == ["error"])
        }
    }

    // MARK: JavaScript

    private let rejection = """
        node:internal/process/promises:288
                    triggerUncaughtException(err, true /* fromPromise */);
                    ^


        """

    @Test func rejections() throws {
        let error = try theCrash(
            "up\n" + rejection + """
                Error: connect ECONNREFUSED 10.0.0.4:6379
                    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)
                    at async Lobby.open (file:///srv/lobby/index.mjs:12:3) {
                  errno: -111,
                  code: 'ECONNREFUSED'
                }

                Node.js v18.19.0
                room opened
                room opened
                """)
        #expect(error.exception == "Error")
        #expect(error.frames.last?.function == "Lobby.open")
        let words = try theCrash(
            rejection + """
                [UnhandledPromiseRejection: This error originated either by throwing inside of an async function without \
                a catch block, or by rejecting a promise which was not handled with .catch(). The promise rejected with \
                the reason "no room".] {
                  code: 'ERR_UNHANDLED_REJECTION'
                }

                Node.js v20.11.0
                """)
        #expect(words.exception == "UnhandledPromiseRejection")
        #expect(words.message == "no room")
    }

    @Test func thrownWithoutAStack() throws {
        let crash = try theCrash(
            """
            /srv/arena/index.js:3
            throw "no room";
            ^
            no room
            (Use `node --trace-uncaught ...` to show where the exception was thrown)

            Node.js v20.11.0
            """)
        #expect(crash.message == "no room")
        #expect(crash.frames.first?.line == 3)
    }

    /// Before node 17 no version follows; the source line and its mark come first.
    @Test func oldNode() throws {
        let crash = try theCrash(
            """
            listening on 7777
            events.js:292
                  throw er; // Unhandled 'error' event
                  ^

            Error: listen EADDRINUSE: address already in use :::7777
                at Server.setupListenHandle [as _listen2] (net.js:1318:16)
                at Object.<anonymous> (/srv/arena/index.js:9:8)
            Emitted 'error' event on Server instance at:
                at emitErrorNT (net.js:1297:8) {
              code: 'EADDRINUSE'
            }
            """)
        #expect(crash.frames.first?.function == "Server.setupListenHandle [as _listen2]")
    }

    @Test func denoAndBun() throws {
        let deno = try theCrash(
            """
            error: Uncaught (in promise) TypeError: room is undefined
                at join (file:///srv/arena/main.ts:12:9)
                at async file:///srv/arena/main.ts:30:1
            """)
        #expect(deno.exception == "TypeError")
        #expect(deno.frames.first?.function == "join")
        let bun = try theCrash(
            """
            12 |   rooms.get(id).join();
                                 ^
            TypeError: undefined is not an object (evaluating 'rooms.get(id).join')
                  at join (/srv/arena/main.ts:12:17)

            Bun v1.1.18 (Linux x64)
            """)
        #expect(bun.exception == "TypeError")
        let native = try theCrash(
            """
            ============================================================
            Bun v1.1.18 (5a0b9352) Linux x64 (baseline)
            Elapsed: 4016ms | User: 10ms | Sys: 32ms

            panic(main thread): Segmentation fault at address 0x2A0
            oh no: Bun has crashed. This indicates a bug in Bun, not your code.
            """)
        #expect(native.signal == "SIGSEGV")
        #expect(native.address == Address(0x2a0))
        #expect(native.message == "Segmentation fault")
    }

    @Test func warningsAreSurvived() {
        let text = """
            (node:12) UnhandledPromiseRejectionWarning: Error: timeout
                at Timeout._onTimeout (/srv/arena/db.js:11:15)
            (node:12) UnhandledPromiseRejectionWarning: Unhandled promise rejection. (rejection id: 1)
            """
        #expect(analyze(text).filter(\.isCrash).isEmpty)
    }

    @Test func fatalErrorsOfV8() throws {
        let heap = try theCrash(
            """
            <--- Last few GCs --->

            [12:0x55d0c0] 80012 ms: Mark-sweep 2046.1 (2082.3) -> 2045.9 (2082.3) MB, 1204.2 / 0.0 ms

            <--- JS stacktrace --->

            FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
            ----- Native stack trace -----

             1: 0xb09c10 node::Abort() [/usr/local/bin/node]
             2: 0xa1c193 node::FatalError(char const*, char const*) [/usr/local/bin/node]
            Aborted (core dumped)
            """)
        #expect(heap.signature.hasPrefix("oom"))
        #expect(heap.frames.first?.address == Address(0xb09c10))
        #expect(heap.frames.first?.function == "node::Abort()")
        let check = try theCrash(
            """


            #
            # Fatal error in , line 0
            # Fatal JavaScript invalid size error 169220804
            #
            #
            #
            #FailureMessage Object: 0x7ffd5c3b1d40
             1: 0xb8e4d1  [node]
             2: 0x1c02d94 V8_Fatal(char const*, ...) [node]
            Trace/breakpoint trap (core dumped)
            """)
        #expect(check.message == "Fatal JavaScript invalid size error 169220804")
        #expect(check.frames.count == 2)
        let assertion = try theCrash(
            """

              #  /usr/local/bin/node[12]: void node::Pool::Take(int) at ../src/pool.cc:90
              #  Assertion failed: (id) >= (0)

            ----- Native stack trace -----

             1: 0xdc7f10 node::Assert(node::AssertionInfo const&) [/usr/local/bin/node]
             2: 0xdc9a20 node::Pool::Take(int) [/usr/local/bin/node]
            """)
        #expect(assertion.message == "(id) >= (0)")
    }
}
