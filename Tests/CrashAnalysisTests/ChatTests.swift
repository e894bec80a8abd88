import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// Text that players type or games log, after the prefix of a logger or a speaker and in a log that continues, is never
/// a crash.
@Suite struct ChatTests {
    /// The form of a log, and of typed text in it.
    struct Style: Sendable, CustomTestStringConvertible {
        let name: String
        /// A line of the log at a step.
        let line: @Sendable (Int) -> String
        /// The prefix of typed text at a step.
        let speaker: @Sendable (Int) -> String

        var testDescription: String { name }
    }

    private static func clock(_ step: Int) -> String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "21:\(two(step / 60 % 60)):\(two(step % 60))"
    }

    static let styles: [Style] = [
        Style(
            name: "unreal",
            line: {
                "[2026.11.20-\(clock($0).replacingOccurrences(of: ":", with: ".")):137][\($0 % 1000)]LogNet: tick \($0)"
            },
            speaker: {
                "[2026.11.20-\(clock($0).replacingOccurrences(of: ":", with: ".")):137][\($0 % 1000)]LogChat: Display: [Okapi] "
            }),
        Style(
            name: "unreal, a script's category",
            line: {
                "[2026.11.20-\(clock($0).replacingOccurrences(of: ":", with: ".")):137][\($0 % 1000)]LogNet: tick \($0)"
            },
            speaker: {
                "[2026.11.20-\(clock($0).replacingOccurrences(of: ":", with: ".")):137][\($0 % 1000)]LogScript: Error: "
            }),
        Style(
            name: "minecraft", line: { "[\(clock($0))] [Server thread/INFO]: tick \($0)" },
            speaker: { "[\(clock($0))] [Server thread/INFO]: <Okapi> " }),
        Style(
            name: "paper", line: { "[\(clock($0)) INFO]: tick \($0)" },
            speaker: { "[\(clock($0)) INFO]: Okapi: " }),
        Style(
            name: "log4j", line: { "\(clock($0)) [main] INFO  lodge.Main - tick \($0)" },
            speaker: { "\(clock($0)) [main] WARN  lodge.Chat - Okapi: " }),
        Style(
            name: "python", line: { "2026-11-20 \(clock($0)),137 INFO lobby: tick \($0)" },
            speaker: { "2026-11-20 \(clock($0)),137 ERROR lobby: " }),
        Style(
            name: "go", line: { "2026/11/20 \(clock($0)) tick \($0)" },
            speaker: { "2026/11/20 \(clock($0)) Okapi: " }),
        Style(
            name: "go, the game's own words", line: { "2026/11/20 \(clock($0)) tick \($0)" },
            speaker: { "2026/11/20 \(clock($0)) " }),
        Style(
            name: "tracing", line: { "2026-11-20T\(clock($0)).137000Z  INFO grotto_server: tick \($0)" },
            speaker: { "2026-11-20T\(clock($0)).137000Z  INFO grotto_server::chat: Okapi: " }),
        Style(
            name: "source", line: { "L 11/20/2026 - \(clock($0)): World triggered \"Round_\($0)\"" },
            speaker: { "L 11/20/2026 - \(clock($0)): \"Okapi<2><STEAM_1:0:1><CT>\" say \"" }),
        Style(name: "bare names", line: { "tick \($0)" }, speaker: { _ in "Okapi: " }),
        Style(name: "bare brackets", line: { "tick \($0)" }, speaker: { _ in "<Okapi> " }),
        Style(name: "bare tags", line: { "tick \($0)" }, speaker: { _ in "[Okapi] " }),
        Style(name: "chat only", line: { ["Okapi: hi \($0)", "Zebu: ho \($0)"][$0 % 2] }, speaker: { _ in "Okapi: " }),
        Style(
            name: "unity", line: { "11/20/2026 \(clock($0)): Got connection \($0)" },
            speaker: { "11/20/2026 \(clock($0)): <Okapi> " }),
        Style(
            name: "bedrock", line: { "[2026-11-20 \(clock($0)):137 INFO] tick \($0)" },
            speaker: { "[2026-11-20 \(clock($0)):137 INFO] [Okapi] " }),
        Style(
            name: "factorio", line: { "  \(10 + $0).137 Info Net.cpp:12: tick \($0)" },
            speaker: { "2026-11-20 \(clock($0)) [CHAT] Okapi: " }),
        Style(
            name: "compose", line: { "mc-1  | [\(clock($0))] [Server thread/INFO]: tick \($0)" },
            speaker: { "mc-1  | [\(clock($0))] [Server thread/INFO]: <Okapi> " }),
        Style(
            name: "pm2", line: { "0|arena  | 2026-11-20T\(clock($0)).137Z info: room \($0)" },
            speaker: { "0|arena  | 2026-11-20T\(clock($0)).137Z info: Okapi: " }),
        Style(
            name: "kubernetes", line: { "2026-11-20T\(clock($0)).123456789Z stdout F [\(clock($0))] tick \($0)" },
            speaker: { "2026-11-20T\(clock($0)).123456789Z stdout F [\(clock($0))] Okapi: " }),
        Style(
            name: "journal", line: { "Nov 20 \(clock($0)) node3 fernd[4242]: [info] tick \($0)" },
            speaker: { "Nov 20 \(clock($0)) node3 fernd[4242]: [info] Okapi: " }),
        Style(
            name: "json", line: { "{\"time\":\"2026-11-20T\(clock($0))Z\",\"level\":\"info\",\"msg\":\"tick \($0)\"}" },
            speaker: { "{\"time\":\"2026-11-20T\(clock($0))Z\",\"level\":\"info\",\"msg\":\"Okapi: " }),
        Style(
            name: "logfmt", line: { "time=2026-11-20T\(clock($0))Z level=info msg=\"tick \($0)\"" },
            speaker: { "time=2026-11-20T\(clock($0))Z level=info msg=\"" }),
        Style(
            name: "glog", line: { "I1120 \(clock($0)).123456  4242 net.cc:12] tick \($0)" },
            speaker: { "I1120 \(clock($0)).123456  4242 chat.cc:40] Okapi: " }),
    ]

    private func log(_ style: Style, _ words: [String]) -> String {
        var lines = (0..<60).map(style.line)
        lines += words.map { style.speaker(60) + $0 }
        lines += (61..<200).map(style.line)
        return lines.joined(separator: "\n") + "\n"
    }

    private func signatures(_ text: String) -> [String] {
        let found = CrashAnalyzer().analyze(source: MemoryByteSource(Array(text.utf8)), name: "server.log")
        return found.filter(\.isCrash).map { $0.detector + ": " + $0.signature }
    }

    /// Each literal alone and with its usual continuation.
    @Test(arguments: styles) func noLiteralIsACrash(style: Style) {
        var tried = 0
        for anchor in TextReportFormats.anchors {
            for tail in ["", "11 (core dumped)", " 0x18 in Foo::bar() (mod+0x12)"] {
                let found = signatures(log(style, [anchor.literal + tail]))
                #expect(found == [], "\(anchor.literal + tail)")
                tried += 1
            }
        }
        print("chat, \(style.name): \(tried) phrases, no crash")
    }

    /// Whole reports, typed line by line.
    @Test(arguments: styles) func noTypedReportIsACrash(style: Style) throws {
        var tried = 0
        for report in Self.reports {
            let found = signatures(
                log(style, report.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)))
            #expect(found == [], "\(report.prefix(60))")
            tried += 1
        }
        guard Corpora.present else { return }
        for name in Corpora.names("field/text") where name.hasSuffix(".log") {
            let data = try Corpora.bytes("field/text/" + name)
            // A log with three starts inside another log is recognized by its starts, even if each line has another program's
            // time.
            if name == "ue-crash-loop.log", style.name == "go, the game's own words" { continue }
            guard data.count < 1 << 17 else { continue }
            let words = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
            let found = signatures(log(style, Array(words.prefix(200))))
            #expect(found == [], "the text of \(name)")
            tried += 1
        }
        print("chat, \(style.name): \(tried) typed reports, no crash")
    }

    /// A chat line directly before a real crash neither replaces its signature nor hides it.
    @Test func chatBeforeACrashChangesNothing() throws {
        let crash = """
            CommonUnixCrashHandler: Signal=11
            [2026.11.20-21.03.09:137][ 17]LogCore: === Critical error: ===
            Unhandled Exception: SIGSEGV: invalid attempt to read memory at address 0x0000000000000018

            [2026.11.20-21.03.09:137][ 17]LogCore: Fatal error!

            0x00007f3a10001111 libMoss-Linux-Shipping.so!AMossTurret::FireAt(AActor*) [MossTurret.cpp:212]
            0x00007f3a10001200 libMoss-Linux-Shipping.so!AMossTurret::Tick(float) [MossTurret.cpp:97]
            """
        let lines = (0..<20).map { Self.styles[0].line($0) }
        for anchor in TextReportFormats.anchors {
            let words = Self.styles[0].speaker(21) + anchor.literal + "invalid pointer"
            let found = signatures((lines + [words, crash]).joined(separator: "\n"))
            #expect(found == ["unreal: AMossTurret::FireAt"], "after \(anchor.literal)")
        }
    }

    static let reports = [
        "panic: boom\n\ngoroutine 1 [running]:\nmain.fire()\n\t/src/a.go:1 +0x1\nmain.main()\n\t/src/a.go:2 +0x1",
        "thread 'main' panicked at src/main.rs:1:2:\nboom\nstack backtrace:\n   0: game::fire\n   1: game::main",
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nValueError: boom",
        "Exception in thread \"main\" java.lang.IllegalStateException: boom\n\tat a.b.C.d(C.java:1)",
        "Unhandled exception. System.Exception: boom\n   at A.B.C() in /a.cs:line 1",
        "free(): invalid pointer", "Segmentation fault (core dumped)", "Killed", "Aborted (core dumped)",
        "terminate called after throwing an instance of 'std::runtime_error'\n  what():  boom",
        "srv: game.cpp:12: void fire(): Assertion `x' failed.",
        "==42==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010\n    #0 0x4f in fire a.cc:1\n==42==ABORTING",
        "Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)\nObtained 2 stack frames.\n#0  0x7f in fire\n#1  0x7f in main",
        "#0  0x00007f in fire (x=1) at a.c:1\n#1  0x00007f in main () at a.c:2",
        "Fatal error: Index out of range: file a.swift, line 1",
        "*** Program crashed: Bad pointer dereference at 0x10 ***",
        "=== Critical error: ===\nFatal error!\nUnhandled Exception: SIGSEGV: invalid attempt to read memory at address 0x18\n0x01 Game!AFoo::Bar() [Foo.cpp:1]",
        "Assertion failed: Index >= 0 [File:Foo.cpp] [Line: 12]",
        "LowLevelFatalError [File:Unknown] [Line: 1]\nPure virtual not implemented (AFoo)",
        "handle_crash: Program crashed with signal 11\n[1] /lib/x.so(+0x45250) [0x7f] (??:0)\n-- END OF BACKTRACE --",
        "wine: Unhandled page fault on write access to 0000000000000000 at address 0000000145E7762C (thread 0120), starting debugger...",
        "TypeError: boom\n    at fire (/a.js:1:2)\n    at main (/a.js:2:2)\n\nNode.js v20.11.0",
    ]
}
