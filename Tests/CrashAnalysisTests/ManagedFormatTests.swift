import Model
import Testing

@testable import CrashAnalysis

/// Java, .NET and JavaScript: variants of what their runtimes and servers print.
@Suite struct ManagedFormatTests: LogSuite {
    // MARK: Java

    private let crashReport = """
        ---- Minecraft Crash Report ----
        // Oops.

        Time: 11/20/26 9:03 PM
        Description: Ticking entity

        java.lang.IllegalStateException: no nest at -4
        \tat TRANSFORMER/herons@2.0/dev.marsh.herons.Nest.settle(Nest.java:71) ~[herons-2.0.jar%23212!/:2.0] {re:classloading}
        \tat TRANSFORMER/minecraft@1.20.1/net.minecraft.world.level.Level.m_46653_(Level.java:479) ~[server.jar:?] {}
        \tat java.base/java.lang.Thread.run(Thread.java:1583) [?:?] {}
        Caused by: java.io.IOException: closed
        \tat dev.marsh.herons.Store.open(Store.java:12) ~[?:?] {}
        \t... 2 more


        A detailed walkthrough of the error, its code path and all known details is as follows:
        ---------------------------------------------------------------------------------------

        -- Head --
        Thread: Server thread
        Stacktrace:
        \tat dev.marsh.herons.Nest.settle(Nest.java:71) ~[herons-2.0.jar%23212!/:2.0] {re:classloading}
        -- Entity being ticked --
        Details:
        \tEntity Type: herons:heron
        Stacktrace:
        \tat net.minecraft.world.level.Level.m_46653_(Level.java:479) ~[server.jar:?] {}

        -- System Details --
        Details:
        \tMinecraft Version: 1.20.1

        """

    @Test func minecraftReportFile() throws {
        let crash = try theCrash(crashReport)
        #expect(crash.exception == "java.lang.IllegalStateException")
        #expect(crash.frames.map(\.function).first == "dev.marsh.herons.Nest.settle")
        #expect(crash.frames.count == 3)
        #expect(crash.threadName == "Server thread")
        #expect(crash.notes.contains("Minecraft crash report: Ticking entity"))
        #expect(crash.notes.contains("Caused by: java.io.IOException: closed"))
    }

    @Test func minecraftReportOfTheWatchdogIsAHang() throws {
        let text = crashReport.replacing("Ticking entity", with: "Watching Server")
            .replacing("java.lang.IllegalStateException: no nest at -4", with: "java.lang.Error: Watchdog")
        let crash = try theCrash(text)
        #expect(crash.detector == "hang")
        #expect(crash.signature == "hang | dev.marsh.herons.Nest.settle")
    }

    /// The report file and the console give one crash the same signature, whatever prefix they have.
    @Test(arguments: [
        "net.minecraft.ReportedException", "net.minecraft.class_148", "net.minecraft.util.ReportedException",
    ])
    func minecraftConsole(carrier: String) throws {
        let console = """
            [05Jun2026 10:23:51.025] [Server thread/INFO] [net.minecraft.server.MinecraftServer/]: 3 players
            [05Jun2026 10:24:50.858] [Server thread/ERROR] [net.minecraft.server.MinecraftServer/]: Encountered an unexpected exception
            \(carrier): Ticking entity
            \tat net.minecraft.server.MinecraftServer.m_5705_(MinecraftServer.java:897) ~[server.jar:?] {}
            \tat java.lang.Thread.run(Thread.java:1583) [?:?] {}
            Caused by: java.lang.IllegalStateException: no nest at -4
            \tat dev.marsh.herons.Nest.settle(Nest.java:71) ~[herons-2.0.jar%23212!/:2.0] {re:classloading}
            \tat net.minecraft.world.level.Level.m_46653_(Level.java:479) ~[server.jar:?] {}
            \t... 1 more
            [05Jun2026 10:24:51.750] [Server thread/FATAL] [net.neoforged.Common/]: Preparing crash report with UUID 1e0f
            [05Jun2026 10:24:51.751] [Server thread/ERROR] [net.minecraft.server.MinecraftServer/]: This crash report has been saved to: /srv/./crash-reports/crash-2026-06-05.txt
            [05Jun2026 10:24:51.800] [Server thread/INFO] [net.minecraft.server.MinecraftServer/]: Stopping server
            [05Jun2026 10:24:51.801] [Server thread/INFO] [net.minecraft.server.MinecraftServer/]: Saving players
            [05Jun2026 10:24:52.801] [Server thread/INFO] [net.minecraft.server.MinecraftServer/]: All chunks are saved
            """
        let crash = try theCrash(console)
        #expect(crash.signature == (try theCrash(crashReport)).signature)
        #expect(crash.frames.count == 3)
    }

    @Test func minecraftBehindASupervisor() throws {
        let text = """
            mc-1  | [21:03:00] [Server thread/INFO]: Okapi joined the game
            mc-1  | [21:03:03] [Server thread/INFO]: Okapi joined the game
            mc-1  | [21:03:06] [Server thread/INFO]: Okapi joined the game
            mc-1  | [21:03:09] [Server thread/ERROR] (Minecraft) Encountered an unexpected exception
            mc-1  | net.minecraft.class_148: Ticking player
            mc-1  | \tat net.minecraft.server.MinecraftServer.method_3813(MinecraftServer.java:899) ~[server-intermediary.jar:?]
            mc-1  | \tat java.lang.Thread.run(Thread.java:1583) [?:?]
            mc-1  | Caused by: java.lang.ClassCastException: class a cannot be cast to class b
            mc-1  | \tat knot//dev.reed.Basket.weave(Basket.java:31) ~[reed-1.0.jar:?]
            mc-1  | \t... 5 more
            mc-1  | [21:03:09] [Server thread/ERROR] (Minecraft) This crash report has been saved to: /data/./crash-reports/crash-2026-11-20_21.03.09-server.txt
            mc-1  | [21:03:09] [Server thread/INFO] (Minecraft) Stopping server
            mc-1 exited with code 1
            """
        let crash = try theCrash(text)
        #expect(crash.signature == "java.lang.ClassCastException | dev.reed.Basket.weave")
        #expect(crash.frames.count == 3)
        #expect(crash.notes.contains("wrapped in net.minecraft.class_148"))
    }

    @Test func minecraftOfOld() throws {
        let text = """
            2026-11-20 21:03:09 [SEVERE] Encountered an unexpected exception NullPointerException
            java.lang.NullPointerException
            \tat ov.a(SourceFile:49)
            \tat dev.reed.Basket.weave(Basket.java:31)
            \tat net.minecraft.server.MinecraftServer.run(MinecraftServer.java:445)
            2026-11-20 21:03:09 [SEVERE] This crash report has been saved to: /srv/crash-reports/crash-2026-11-20_21.03.09-server.txt
            2026-11-20 21:03:09 [INFO] Stopping server
            """
        #expect(try theCrash(text).frames.map(\.function).dropFirst().first == "dev.reed.Basket.weave")
    }

    @Test func chatCannotWriteACrashReport() {
        let text = """
            [21:03:00] [Server thread/INFO]: <Okapi> Encountered an unexpected exception
            [21:03:01] [Server thread/INFO]: <Okapi> java.lang.Error: lol
            [21:03:02] [Server thread/INFO]: <Okapi> \tat a.B.c(B.java:1)
            [21:03:03] [Server thread/INFO]: <Okapi> This crash report has been saved to: here
            [21:03:03] [Server thread/INFO]: <Okapi> ---- Minecraft Crash Report ----
            [21:03:03] [Server thread/INFO]: <Okapi> The server has stopped responding!
            [21:03:03] [Server thread/INFO]: <Okapi> Considering it to be crashed, server will forcibly shutdown.
            [21:03:03] [Server thread/INFO]: <Okapi> Terminating due to java.lang.OutOfMemoryError: x
            """
        #expect(crashes(text).isEmpty)
        #expect(analyze(text).allSatisfy { $0.detector == "java" && $0.exception == "java.lang.Error" })
    }

    @Test func savedReportAloneIsACrash() throws {
        let text = """
            [21:03:00 INFO]: Okapi joined
            [21:03:09 ERROR]: This crash report has been saved to: /srv/crash-reports/crash-2026-11-20_21.03.09-server.txt
            [21:03:09 INFO]: Stopping server
            """
        #expect(try theCrash(text).exception == "crash report")
    }

    @Test(arguments: ["[21:04:10 ERROR]: ", "[21:04:10] [Spigot Watchdog Thread/ERROR]: "])
    func watchdogs(prefix: String) throws {
        let dump = """
            The server has stopped responding!
            Please report this to https://example.invalid
            Spigot version: git-Spigot-21fe707-e1ebe52 (MC: 1.12.2)
            ------------------------------
            Server thread dump (Look for plugins here before reporting to Spigot!):
            ------------------------------
            Current Thread: Server thread
            PID: 20 | Suspended: false | Native: false | State: RUNNABLE
            Stack:
            dev.mill.Flow.spread(Flow.java:88)
            app//net.minecraft.server.v1_12_R1.World.tick(World.java:40)
            java.lang.Thread.run(Unknown Source)
            ------------------------------
            Entire Thread Dump:
            ------------------------------
            Current Thread: Netty Server IO #1
            PID: 35 | Suspended: false | Native: true | State: RUNNABLE
            Stack:
            sun.nio.ch.EPoll.wait(Native Method)
            ------------------------------
            """
        let lines = dump.split(separator: "\n").map { prefix + $0 }
        let crash = try theCrash((["[21:03:00 INFO]: Okapi joined"] + lines).joined(separator: "\n"))
        #expect(crash.signature == "hang | dev.mill.Flow.spread")
        #expect(crash.threadName == "Server thread")
        #expect(crash.frames.count == 3)
        #expect(crash.frames[1].function == "net.minecraft.server.v1_12_R1.World.tick")
    }

    @Test func earlyWarningOfAWatchdogIsNoCrash() {
        let text = """
            [21:04:10] [Paper Watchdog Thread/ERROR]: --- DO NOT REPORT THIS TO PAPER - THIS IS NOT A BUG OR A CRASH ---
            [21:04:10] [Paper Watchdog Thread/ERROR]: The server has not responded for 10 seconds! Creating thread dump
            [21:04:10] [Paper Watchdog Thread/ERROR]: ------------------------------
            [21:04:10] [Paper Watchdog Thread/ERROR]: Server thread dump (Look for plugins here before reporting to Paper!):
            [21:04:10] [Paper Watchdog Thread/ERROR]: Current Thread: Server thread
            [21:04:10] [Paper Watchdog Thread/ERROR]: \tStack:
            [21:04:10] [Paper Watchdog Thread/ERROR]: \t\tdev.mill.Flow.spread(Flow.java:88)
            [21:04:12] [Server thread/INFO]: Okapi joined
            """
        #expect(analyze(text).isEmpty)
    }

    @Test func watchdogOfVanilla() throws {
        let text = """
            [10:28:23] [Server thread/INFO]: There are 3/50 players online:
            [10:28:29] [Server Watchdog/FATAL]: A single server tick took 60.00 seconds (should be max 0.05)
            [10:28:29] [Server Watchdog/FATAL]: Considering it to be crashed, server will forcibly shutdown.
            [10:28:29] [Server Watchdog/ERROR]: This crash report has been saved to: /srv/./crash-reports/crash-2026-server.txt
            [10:28:29] [Server Shutdown Thread/INFO]: Stopping server
            """
        #expect(try theCrash(text).exception == "hang")
    }

    private let fatalHead = """
        #
        # A fatal error has been detected by the Java Runtime Environment:
        #
        #  SIGSEGV (0xb) at pc=0x00007f3a1c2b4d10, pid=41, tid=77
        #
        # JRE version: OpenJDK Runtime Environment (17.0.8+7) (build 17.0.8+7)
        # Problematic frame:
        # C  [libreed.so+0x4d10]  Reed::bend(float)+0x20
        #
        # An error report file with more information is saved as:
        # /data/hs_err_pid41.log
        #

        """

    /// The console has the head of the report only; what follows there is unrelated.
    @Test func twoFatalErrorsOfTheVM() {
        let text =
            fatalHead + "[21:03:09 INFO]: Starting minecraft server version 1.20.1\n"
            + fatalHead.replacing("pid=41", with: "pid=98").replacing("pid41", with: "pid98")
        let found = crashes(text)
        #expect(found.map(\.pid) == [41, 98])
        #expect(Set(found.map(\.signature)) == ["Reed::bend"])
    }

    @Test func fullMemoryOfTheVM() throws {
        for text in [
            "Terminating due to java.lang.OutOfMemoryError: GC overhead limit exceeded\n",
            "Terminating due to java.lang.OutOfMemoryError: Metaspace\n",
            """
            Aborting due to java.lang.OutOfMemoryError: Java heap space
            #
            # A fatal error has been detected by the Java Runtime Environment:
            #
            #  Internal Error (debug.cpp:362), pid=7, tid=42
            #  fatal error: OutOfMemory encountered: Java heap space
            #
            # JRE version: OpenJDK Runtime Environment (17.0.8+7) (build 17.0.8+7)
            """,
            """
            #
            # There is insufficient memory for the Java Runtime Environment to continue.
            # Native memory allocation (malloc) failed to allocate 1048576 bytes for AllocateHeap
            # Possible reasons:
            #   The system is out of physical RAM or swap space
            #  Out of Memory Error (os_linux.cpp:2795), pid=7, tid=42
            #
            """,
        ] {
            #expect(try theCrash("[21:03:00 INFO]: up\n" + text).signature.hasPrefix("oom"))
        }
    }

    @Test func threadDumpIsNoCrash() {
        let text = """
            2026-11-20 21:03:09
            Full thread dump OpenJDK 64-Bit Server VM (17.0.8+7 mixed mode, sharing):

            "Server thread" #23 prio=5 os_prio=0 cpu=1.2ms tid=0x00007f3a nid=0x2f waiting on condition
               java.lang.Thread.State: TIMED_WAITING (parking)
            \tat jdk.internal.misc.Unsafe.park(java.base@17.0.8/Native Method)
            \t- parking to wait for  <0x00000006c0a> (a java.lang.Object)
            \tat dev.mill.Loop.run(Loop.java:12)

            "main" #1 prio=5 os_prio=0 runnable
               java.lang.Thread.State: RUNNABLE
            \tat dev.mill.Main.main(Main.java:3)
            """
        #expect(analyze(text).isEmpty)
    }

    @Test func twoTracesInARowAreTwo() {
        let text = """
            java.lang.IllegalStateException: one
            \tat dev.mill.Flow.one(Flow.java:1)
            java.lang.IllegalArgumentException: two
            \tat dev.mill.Flow.two(Flow.java:2)
            [21:03:00 INFO]: Okapi joined
            """
        #expect(analyze(text).map { $0.frames.map(\.function) } == [["dev.mill.Flow.one"], ["dev.mill.Flow.two"]])
    }

    @Test func lambdasKeepTheirClass() throws {
        let text = """
            Exception in thread "main" java.lang.ArithmeticException: / by zero
            \tat dev.mill.Flow$$Lambda/0x00007f3a1c001000.run(Unknown Source)
            \tat java.base/java.util.Optional.ifPresent(Optional.java:178)
            """
        #expect(
            try theCrash(text).frames.map(\.function) == [
                "dev.mill.Flow$$Lambda/0x00007f3a1c001000.run", "java.util.Optional.ifPresent",
            ])
    }

    private func crashes(_ text: String) -> [CrashRecord] { analyze(text).filter(\.isCrash) }
}
