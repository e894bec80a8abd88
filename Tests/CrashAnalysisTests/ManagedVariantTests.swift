import Model
import Testing

@testable import CrashAnalysis

/// Reports of managed runtimes in the forms of other versions, languages and loggers.
@Suite struct ManagedVariantTests: LogSuite {
    /// One crash with this signature.
    struct Death: Sendable, CustomTestStringConvertible {
        var signature: String
        var text: String
        var testDescription: String { signature }

        init(_ signature: String, _ text: String) {
            self.signature = signature
            self.text = text
        }
    }

    @Test(arguments: [
        Death(
            "panic | main.(*Hall).seat",
            "panic: no seat\n\ngoroutine 21 [running]:\nmain.(*Hall).seat(0xc0)"),
        Death("panic | no seat", "panic: no seat\n\ngoroutine 21 [running]:\n"),
        Death(
            "panic | main.sit",
            """
            panic: reflect: call of reflect.Value.Field on zero Value

            goroutine 1 [running]:
            reflect.Value.Field({0x0, 0x0, 0x0}, 0x1)
            \t/usr/local/go/src/reflect/value.go:1275 +0xc5
            github.com/rs/zerolog.(*Event).msg(0xc0)
            \t/go/zerolog/event.go:12 +0x5
            main.sit()
            \t/src/sit.go:9 +0x1d
            """),
        Death(
            "fatal error | runtime.mapiternext | main.(*Hall).each",
            """
            fatal error: concurrent map iteration and map write

            goroutine 7 [running]:
            runtime.mapiternext(0xc0)
            \t/usr/local/go/src/runtime/map.go:858 +0x597
            main.(*Hall).each(0xc0)
            \t/src/hall.go:22 +0x77
            """),
        Death(
            "NoMethodError | Hall#seat",
            """
            hall.rb:4:in 'Hall#seat': undefined method 'pop' for nil (NoMethodError)

                seats.pop
                     ^^^^
            Did you mean?  pp
            \tfrom hall.rb:9:in '<main>'
            """),
        Death(
            "[BUG] | hall_mix",
            """
            hall.rb:12: [BUG] Segmentation fault at 0x0000000000000020
            ruby 3.3.0 (2023-12-25 revision 5124f9ac75) [x86_64-linux]

            -- Ruby level backtrace information ----------------------------------------
            hall.rb:12:in `<main>'
            hall.rb:12:in `mix'

            -- C level backtrace information -------------------------------------------
            /usr/lib/libruby.so.3.3(rb_bug_for_fatal_signal+0xec) [0x7f0a1b2c3d50] error.c:813
            /usr/lib/libruby.so.3.3(sigsegv+0x4d) [0x7f0a1b2c3d60] signal.c:964
            /lib/x86_64-linux-gnu/libc.so.6(0x42520) [0x7f0a1b2c3d70]
            /srv/hall/mix.so(hall_mix+0x10) [0x7f0a1b2c3d80] mix.c:9
            """),
        Death(
            "Hall\\Full | Hall\\Seat->take",
            """
            Fatal error: Uncaught Hall\\Full: no seat in /srv/hall/Seat.php:12
            Stack trace:
            #0 [internal function]: Hall\\Seat->take(3)
            #1 /srv/hall/run.php(4): array_map(Object(Closure), Array)
            #2 {main}
              thrown in /srv/hall/Seat.php on line 12
            """),
        Death(
            "oom | Seat.php#7",
            "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) "
                + "in /srv/hall/Seat.php on line 7"),
        Death(
            "Error | Hall\\Seat->take",
            """
            [21:03:01.137] [Server thread/CRITICAL]: Error: "no seat" (EXCEPTION) in "plugins/Hall/Seat" at line 12
            [21:03:01.137] [Server thread/CRITICAL]: #0 plugins/Hall/Main(30): Hall\\Seat->take(NULL)
            [21:03:01.137] [Server thread/CRITICAL]: #1 pmsrc/src/Server(1800): pocketmine\\Server->tick()
            [21:03:01.138] [Server thread/EMERGENCY]: An unrecoverable error has occurred and the server has crashed.
            """),
        Death(
            "take",
            """
            luajit: hall.lua:4: no seat
            stack traceback:
            \t[C]: in ?
            \t(...tail calls...)
            \thall.lua:4: in upvalue 'take'
            \thall.lua:9: in main chunk
            \t[C]: at 0x55d0c1a2b3c4
            """),
        Death(
            "take",
            "/usr/bin/lua5.4: hall.lua:4: no seat\nstack traceback:\n\thall.lua:4: in local 'take'\n\t[C]: in ?"),
        Death(
            "oom | Java heap space",
            "#\n# java.lang.OutOfMemoryError: Java heap space\n# -XX:OnOutOfMemoryError=\"kill -9 %p\"\n"
                + "#   Executing /bin/sh -c \"kill -9 1842\"..."),
        Death(
            "ArgumentError | Hall.Endpoint.init/1",
            """
            ** (Mix) Could not start application hall: Hall.Application.start(:normal, []) returned an error
                ** (EXIT) an exception was raised:
                    ** (ArgumentError) bad port
                        (hall 0.1.0) lib/hall/endpoint.ex:9: Hall.Endpoint.init/1
            """),
        Death("precondition failed | Seat.swift#8", "Hall/Seat.swift:8: Precondition failed: no seat"),
        Death(
            "oom",
            #"Exception: java.lang.OutOfMemoryError thrown from the UncaughtExceptionHandler in thread "main""#),
    ])
    func scripts(_ death: Death) throws {
        #expect(try theCrash(death.text).signature == death.signature)
    }

    @Test(arguments: [
        Death(
            "System.NullReferenceException | Hall.Seat.Take",
            """
            Unbehandelte Ausnahme: System.NullReferenceException: Kein Platz.
               bei Hall.Seat.Take(Int32 id) in C:\\b\\Seat.cs:Zeile 15.
               bei Hall.Program.Main(String[] args)
            """),
        Death(
            "System.IO.IOException | Hall.Disk.Open",
            """
            Unhandled exception. System.Exception: boot
             ---> System.IO.IOException: disk
               at Hall.Disk.Open(String p) in /src/Disk.cs:line 3
               --- End of inner exception stack trace ---
               at Hall.Program.Main(String[] args)
            """),
        Death(
            "System.ArgumentException | Hall.Map.Load",
            """
            Unhandled Exception:
            System.TypeInitializationException: The type initializer threw. ---> System.ArgumentException: no map
              at Hall.Map.Load () [0x00004] in <b3f3>:0
               --- End of inner exception stack trace ---
              at Hall.Server.Main () [0x00001] in <b3f3>:0
            """),
        Death(
            "System.ArgumentException | Hall.Map.Load",
            """
            Server crash: 11/20/2026 9:03:00 PM
            System.ArgumentException: no map
              at Hall.Map.Load () [0x00004] in <b3f3>:0
              at Hall.Server.Main () [0x00001] in <b3f3>:0
            Please send the log
            """),
        Death(
            "System.ArgumentException | Hall.Map.Load",
            """
            [21:03:00] [Server API] Error: Server crashed due to an unhandled exception:
            System.ArgumentException: no map
               at Hall.Map.Load()
               at Hall.Server.Main()
            """),
        Death(
            "java.lang.IllegalStateException | dev.hall.Seat.take",
            """
            [21:03:00 ERROR]: [threadedregions] Region #4 centered at chunk [3, 4] in world 'hall' failed to tick:
            java.lang.IllegalStateException: no seat
            \tat dev.hall.Seat.take(Seat.java:7)
            [21:03:00 ERROR]: Halting server
            [21:03:00 INFO]: Stopping server
            """),
        Death(
            "java.lang.NoSuchMethodError | dev.hall.Seat.onInitialize",
            """
            [12:00:01] [main/ERROR]: Failed to start the minecraft server
            java.lang.RuntimeException: Could not execute entrypoint stage 'main' due to errors, provided by 'hall'!
            \tat net.fabricmc.loader.impl.FabricLoaderImpl.wrap(FabricLoaderImpl.java:388)
            \tat net.minecraft.server.Main.main(Main.java:94)
            Caused by: java.lang.NoSuchMethodError: seat
            \tat dev.hall.Seat.onInitialize(Seat.java:14)
            \t... 2 more
            """),
    ])
    func virtualMachines(_ death: Death) throws {
        #expect(try theCrash(death.text).signature == death.signature)
    }

    @Test func survivedGoDumpHidesNoPanicBehindIt() {
        let records = analyze(
            """
            2026/11/20 21:03:00 recovered: no seat
            goroutine 34 [running]:
            runtime/debug.Stack()
            \t/usr/local/go/src/runtime/debug/stack.go:24 +0x5e
            main.guard()
            \t/src/g.go:9 +0x1d
            panic: close of closed channel

            goroutine 40 [running]:
            main.(*Hall).shut(0xc0)
            \t/src/hall.go:9 +0x1d
            """)
        #expect(records.filter(\.isCrash).map(\.signature) == ["panic | main.(*Hall).shut"])
        #expect(records.count == 2)
    }

    @Test(arguments: [
        "",
        "stack backtrace:\n   0: rust_begin_unwind\n             at /rustc/1/library/std/src/panicking.rs:6:5\n"
            + "note: Some details are omitted\n",
    ])
    func rustThatCannotUnwind(trace: String) throws {
        let crash = try theCrash(
            """
            thread 'w' panicked at src/ffi.rs:12:5:
            no seat
            \(trace)thread 'w' panicked at core/src/panicking.rs:221:5:
            panic in a function that cannot unwind
            \(trace)thread caused non-unwinding panic. aborting.
            """)
        #expect(crash.signal == "SIGABRT")
        #expect(crash.message == "no seat")
    }

    @Test(arguments: [
        """
        2026-11-20 21:03:00,137 ERROR asyncio: Task exception was never retrieved
        future: <Task finished name='Task-4' coro=<pump() done> exception=ValueError('x')>
        Traceback (most recent call last):
          File "/srv/hall/a.py", line 5, in pump
        ValueError: x
        """,
        """
        ERROR:asyncio:Exception in callback pump()
        handle: <Handle pump()>
        Traceback (most recent call last):
          File "/srv/hall/a.py", line 5, in pump
        ValueError: x
        """,
        """
        Traceback (most recent call last):
          File "src/gevent/greenlet.py", line 906, in gevent._gevent_cgreenlet.Greenlet.run
          File "/srv/hall/a.py", line 5, in <module>
        KeyError: 3
        2026-11-20T21:03:00Z <Greenlet at 0x7f0a1b2c3d40: pump> failed with KeyError
        """,
        """
        info: Hall.Net[0]
              room 1
        fail: Hall.Net[12]
              An unhandled exception has occurred while executing the request.
              System.InvalidOperationException: no room
                 at Hall.Net.Open(Int32 id) in /src/Net.cs:line 12
        """,
        """
        room 1
        NullReferenceException: Object reference not set to an instance of an object
          at Hall.Seat.Update () [0x00012] in <abc>:0
        """,
    ])
    func loggedAndSurvived(text: String) {
        #expect(analyze(text).map(\.kind) == ["error"])
    }

    @Test(arguments: [
        "This crash report has been saved to: /srv/x.txt", "The server has stopped responding!",
        "Unhandled exception. System.Exception: no seat", "thread 'main' has overflowed its stack",
        "thread 'main' panicked at src/a.rs:1:2: no seat",
    ])
    func wordsThroughAPluginNeedAWitness(words: String) {
        let records = analyze("[21:00:31 ERROR]: \(words)\n[21:00:32 INFO]: room 4\n[21:00:33 INFO]: room 5\n")
        #expect(records.filter(\.isCrash).isEmpty)
    }

    @Test func pythonGroupIsNamedByItsFirstLeaf() throws {
        let crash = try theCrash(
            """
              + Exception Group Traceback (most recent call last):
              |   File "/srv/hall/main.py", line 20, in <module>
              |     asyncio.run(main())
              | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
              +-+---------------- 1 ----------------
                | Traceback (most recent call last):
                |   File "/srv/hall/seat.py", line 44, in take
                |   File "/usr/lib/python3.12/json/decoder.py", line 355, in raw_decode
                | IndexError: pop from empty list
                +------------------------------------
            """)
        #expect(crash.signature == "IndexError | raw_decode | take")
    }

    @Test func erlangNamesTheFunction() {
        let crasher = analyze(
            """
            =CRASH REPORT==== 20-Nov-2026::21:03:00.137482 ===
              crasher:
                initial call: hall:init/1
                exception error: no case clause matching nil
                  in function  hall:seat/2 (/src/hall.erl, line 33)
                  in call from gen_server:try_handle_call/4 (gen_server.erl, line 661)
            """)
        #expect(crasher.map(\.signature) == ["error | hall:seat/2"])
        let server = analyze(
            """
            ** Generic server hall terminating
            ** Last message in was tick
            ** Reason for termination ==
            ** {{badmatch,nil},[{hall,seat,2,[{file,"src/hall.erl"},{line,33}]}]}
            """)
        #expect(server.map(\.signature) == ["badmatch | hall:seat/2"])
        #expect(server.first?.frames.first?.line == 33)
        let machine = analyze(
            """
            ** State machine <0.311.0> terminating
            ** Last event = {info,tick}
            ** Reason for termination = error:{badmatch,nil}
            ** Callback modules = [hall]
            ** Stacktrace =
            **  [{hall,seat,2,[{file,"src/hall.erl"},{line,33}]}]
            """)
        #expect(machine.map(\.signature) == ["badmatch | hall:seat/2"])
    }
}
