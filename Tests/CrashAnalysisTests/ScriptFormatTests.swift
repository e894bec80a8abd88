import Model
import Testing

@testable import CrashAnalysis

/// Swift, Erlang, Ruby, Lua and PHP: variants of what their runtimes print.
@Suite struct ScriptFormatTests: LogSuite {
    // MARK: Swift

    @Test func swiftCrashes() throws {
        let plain = try theCrash(
            """

            *** Signal 11: Backtracing from 0x55e0c5f81f30... done ***

            *** Program crashed: Bad pointer dereference at 0x0000000000000018 ***

            Thread 3 "hall" crashed:

            0 [inlined] [system] 0x000055e0c5f81f30 Swift runtime failure: oops in hall at /<compiler-generated>
            1 0x000055e0c5f81f30 Hall.seat(_:) + 16 in hall at /src/Hall.swift:44:9
            2 [ra] 0x000055e0c5f820bd in hall

            Backtrace took 0.12s
            """)
        #expect(plain.signal == "SIGSEGV")
        #expect(plain.address == Address(0x18))
        #expect(plain.frames.map(\.function)[1] == "Hall.seat(_:)")
        #expect(plain.frames[2].function == nil)
        #expect(plain.frames[2].module == "hall")
        #expect(plain.threadName == "hall")
        let old = try theCrash(
            """
            Fatal error: Index out of range: file /src/Hall.swift, line 44
            Current stack trace:
            0    libswiftCore.so                    0x00007f3a1c2b4d10 _swift_stdlib_reportFatalErrorInFile + 112
            1    hall                               0x000055e0c5f81f30 Hall.seat(_:) + 16
            2    hall                               0x000055e0c5f82000 <unavailable> + 3
            Illegal instruction (core dumped)
            """)
        #expect(old.message == "Index out of range")
        #expect(old.frames.map(\.module) == ["libswiftCore.so", "hall", "hall"])
        #expect(old.frames.map(\.function)[2] == nil)
        let typed = ["[21:03:00 INFO]: <Okapi> ", "Okapi: ", "[Okapi] ", "<Okapi> "]
        for lead in typed {
            #expect(analyze(lead + "💣 Program crashed: Bad pointer dereference at 0x1\n").isEmpty)
            #expect(analyze(lead + "Fatal error: Index out of range: file a.swift, line 1\n").isEmpty)
            #expect(analyze(lead + "a.swift:1: Fatal error: Index out of range\n").isEmpty)
        }
        #expect(analyze("[21:03:00 INFO]: <Okapi> 💣 Program crashed: Bad pointer dereference at 0x1\n").isEmpty)
    }

    // MARK: Erlang, Ruby, Lua, PHP

    @Test func erlangEnds() throws {
        let boot = try theCrash(
            """
            {"init terminating in do_boot",{badarg,[{hall,start,[],[{file,"hall.erl"},{line,12}]}]}}
            init terminating in do_boot ({badarg,[{hall,start,[],[{_},{_}]}]})

            Crash dump is being written to: erl_crash.dump...done
            """)
        #expect(boot.exception == "vm ended")
        let memory = try theCrash(
            "eheap_alloc: Cannot allocate 2280657000 bytes of memory (of type \"heap\").\n\n"
                + "Crash dump is being written to: /var/log/erl_crash.dump...done\n")
        #expect(memory.signature.hasPrefix("oom"))
        let dump = try theCrash(
            "=erl_crash_dump:0.5\nThu May  5 19:27:13 2026\nSlogan: Kernel pid terminated (application_controller)\n")
        #expect(dump.message == "Kernel pid terminated (application_controller)")
        let process = analyze(
            """
            21:03:09.137 [error] GenServer Hall.Seat terminating
            ** (KeyError) key :seat not found in: %{}
                (hall 0.1.0) lib/hall/seat.ex:12: Hall.Seat.take/2
                (stdlib 4.0) gen_server.erl:1120: :gen_server.try_dispatch/4
            """)
        #expect(process.map(\.kind) == ["error"])
        #expect(process.first?.exception == "KeyError")
        #expect(process.first?.frames.first?.function == "Hall.Seat.take/2")
    }

    @Test func scripts() throws {
        let lua = """
            main.lua:12: attempt to index a nil value (local 'seat')
            stack traceback:
            \tmain.lua:12: in function 'take'
            \tmain.lua:40: in main chunk
            \t[C]: in ?

            """
        #expect(try theCrash("lua: " + lua).frames.first?.function == "take")
        #expect(analyze("[ERROR] " + lua).map(\.kind) == ["error"])
        let php = try theCrash(
            """
            PHP Fatal error:  Uncaught RuntimeException: no seat in /srv/hall/Seat.php:12
            Stack trace:
            #0 /srv/hall/Hall.php(44): Seat->take(3)
            #1 {main}
              thrown in /srv/hall/Seat.php on line 12
            """)
        #expect(php.exception == "RuntimeException")
        #expect(php.message == "no seat")
        #expect(php.frames.map(\.line) == [12, 44])
        let thread = analyze(
            """
            #<Thread:0x00007f3a hall.rb:3 run> terminated with exception (report_on_exception is true):
            hall.rb:4:in `take': no seat (RuntimeError)
            \tfrom hall.rb:3:in `block in <main>'
            """)
        #expect(thread.map(\.kind) == ["error"])
    }
}
