import Model
import Testing

@testable import CrashAnalysis

/// Reports as they occur: prefixes, colors, wrapping, interleaving, survived errors and quotations.
@Suite struct TextReportTests: LogSuite {
    private let goPanic = """
        panic: runtime error: invalid memory address or nil pointer dereference
        [signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x4a1b2c]

        goroutine 7 [running]:
        main.(*World).Tick(0xc000123000, 0x10)
        \t/src/world.go:42 +0x1c
        main.main()
        \t/src/main.go:10 +0x25
        exit status 2

        """

    @Test func goPanicIsRead() throws {
        let record = try #require(analyze(goPanic).first)
        #expect(record.kind == "go")
        #expect(record.signal == "SIGSEGV")
        #expect(record.address == Address(0x18))
        #expect(record.thread == 7)
        #expect(record.frames.map(\.function) == ["main.(*World).Tick", "main.main"])
        #expect(record.frames.map(\.line) == [42, 10])
    }

    @Test(arguments: [
        "2026-11-20T21:00:00.123Z stderr F ", "[2026.11.20-21:23:20:123][ 42]LogCore: Error: ",
        "Nov 20 21:00:00 host srv[12]: ", "\u{1b}[31m",
    ])
    func prefixesAreLearnt(prefix: String) throws {
        let text = goPanic.split(separator: "\n", omittingEmptySubsequences: false).map { prefix + $0 }
        let record = try #require(analyze(text.joined(separator: "\n")).first)
        #expect(record.frames.map(\.function) == ["main.(*World).Tick", "main.main"])
        #expect(record.message == "runtime error: invalid memory address or nil pointer dereference")
    }

    @Test func interleavedLinesAreLeftOut() throws {
        var lines = goPanic.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines.insert("player 3 connected from eu-west", at: 5)
        lines.insert("tick 44 took 18 ms", at: 8)
        let record = try #require(analyze(lines.joined(separator: "\n")).first)
        #expect(record.frames.map(\.function) == ["main.(*World).Tick", "main.main"])
    }

    @Test func dockerJSONIsUnwrapped() throws {
        let text = """
            {"log":"thread 'game' panicked at src/main.rs:10:5:\\n","stream":"stderr","time":"2026-11-20T21:00:00Z"}
            {"log":"index out of bounds: \\u003c3\\n","stream":"stderr","time":"2026-11-20T21:00:00Z"}
            {"log":"stack backtrace:\\n","stream":"stderr"}
            {"log":"   0: rust_begin_unwind\\n"}
            {"log":"             at /rustc/abc/library/std/src/panicking.rs:645:5\\n"}
            {"log":"   1: core::panicking::panic_fmt\\n"}
            {"log":"   2: game::tick\\n"}
            {"log":"             at ./src/main.rs:10:5\\n"}
            """
        let record = try #require(analyze(text).first)
        #expect(record.kind == "rust")
        #expect(record.threadName == "game")
        #expect(record.message == "index out of bounds: <3")
        #expect(record.frames.map(\.function) == ["rust_begin_unwind", "core::panicking::panic_fmt", "game::tick"])
        #expect(record.frames.map(\.line) == [645, nil, 10])
    }

    private let traceback = """
        Traceback (most recent call last):
          File "srv.py", line 3, in handle
            x()
        ValueError: bad thing

        """

    @Test func survivedTracebackIsAnError() throws {
        let after = (0..<10).map { "2026-11-20T21:00:0\($0)Z INFO tick\n" }.joined()
        let records = analyze("2026-11-20T21:00:00Z INFO up\n" + traceback + after)
        #expect(records.map(\.kind) == ["error"])
        #expect(records.first?.detector == "python")
        #expect(records.first?.exception == "ValueError")
        #expect(analyze("up\n" + traceback).map(\.kind) == ["python"])
    }

    @Test func repeatedErrorsAreToldOnce() {
        let one = traceback + String(repeating: "INFO tick\n", count: 8)
        let records = analyze(String(repeating: one, count: 50))
        #expect(records.count == 1)
        #expect(records.first?.notes == ["seen 50 times in this member"])
    }

    @Test(arguments: [
        "INFO chat <bob> look: \"Traceback (most recent call last):\" haha\n",
        "INFO chat <bob> panic: at the disco\n", "INFO chat <bob> Segmentation fault\n",
        "INFO chat <bob> free(): invalid pointer\n", "bob: Assertion `x' failed. lol\n",
        "{\"level\":\"error\",\"stack\":\"Traceback (most recent call last):\\n  File \\\"a\\\", line 1\"}\n",
        "> Traceback (most recent call last):\n>   File \"srv.py\", line 3, in handle\n> ValueError: x\n",
        "bob said terminate called after throwing\n", "fatal error: not really\n", "panic: keep calm\n",
        "a goroutine [running late]:\n", "we use AddressSanitizer: it is good\n",
    ])
    func quotationsAreNothing(line: String) {
        #expect(analyze("INFO up\n" + line + "INFO on\n").isEmpty)
    }

    @Test func sanitizerReport() throws {
        let text = """
            ==4242==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010 at pc 0x4f bp 0x7f sp 0x7f
            READ of size 4 at 0x602000000010 thread T1 (Game)
                #0 0x4f1234 in Entity::tick(float) /src/entity.cpp:12:3
                #1 0x7f1235  (/lib/libc.so.6+0x1234) (BuildId: abcdef12)

            freed by thread T0 here:
                #0 0x4f9999 in operator delete(void*)
            SUMMARY: AddressSanitizer: heap-use-after-free /src/entity.cpp:12:3 in Entity::tick(float)
            ==4242==ABORTING
            """
        let records = analyze(text)
        #expect(records.count == 1)
        let record = try #require(records.first)
        #expect(record.kind == "asan")
        #expect(record.exception == "heap-use-after-free")
        #expect(record.address == Address(0x6020_0000_0010))
        #expect(record.access == "read")
        #expect(record.pid == 4242)
        #expect(record.threadName == "Game")
        #expect(record.frames.map(\.function) == ["Entity::tick(float)", nil])
        #expect(record.frames.last?.module == "libc.so.6")
        #expect(record.frames.last?.offset == Address(0x1234))
        #expect(record.frames.last?.buildID == "abcdef12")
    }

    @Test func lastWordsOfNativePrograms() throws {
        let assertion = try #require(
            analyze("srv: game.cpp:12: void Foo::bar(int): Assertion `x != 0' failed.\n").first)
        #expect(assertion.kind == "assert")
        #expect(assertion.message == "x != 0")
        #expect(assertion.frames.first?.function == "void Foo::bar(int)")
        #expect(assertion.frames.first?.line == 12)
        let thrown = try #require(
            analyze("terminate called after throwing an instance of 'std::runtime_error'\n  what():  no map\n").first)
        #expect(thrown.kind == "cxx")
        #expect(thrown.exception == "std::runtime_error")
        #expect(thrown.message == "no map")
        for text in [
            "free(): invalid pointer", "double free or corruption (out)", "malloc(): corrupted top size",
            "*** stack smashing detected ***: terminated", "munmap_chunk(): invalid pointer",
            "Fatal glibc error: malloc assertion failure in sysmalloc: old_top == initial_top (av)",
        ] {
            let record = try #require(analyze(text + "\n").first)
            #expect(record.kind == "glibc")
            #expect(record.message == text)
        }
        #expect(analyze("./run.sh: line 3:    12 Segmentation fault      (core dumped) ./srv\n").first?.pid == 12)
    }

    /// As g++ 12 prints it with _GLIBCXX_ASSERTIONS.
    @Test func assertionOfTheStandardLibrary() throws {
        let text = """
            /usr/include/c++/12/bits/stl_vector.h:1123: std::vector<_Tp, _Alloc>::reference std::vector<_Tp, \
            _Alloc>::operator[](size_type) [with _Tp = int; _Alloc = std::allocator<int>; reference = int&; size_type = \
            long unsigned int]: Assertion '__n < this->size()' failed.
            """
        let record = try #require(analyze(text + "\n").first)
        #expect(record.kind == "assert")
        #expect(record.message == "__n < this->size()")
        #expect(record.frames.first?.line == 1123)
        #expect(record.frames.first?.function?.hasSuffix("::operator[](size_type)") == true)
        #expect(record.signature.hasPrefix("assert | __n < this->size()"))
        #expect(analyze("2026-11-20 21:00:00 INFO docs: it says Assertion 'x' failed. there\n").isEmpty)
    }

    @Test func engines() throws {
        let unreal = """
            [2026.11.20-21:23:20:123][ 42]LogCore: Error: === Critical error: ===
            [2026.11.20-21:23:20:123][ 42]LogCore: Error: 
            [2026.11.20-21:23:20:123][ 42]LogCore: Error: Unhandled Exception: SIGSEGV: invalid attempt to read memory at address 0x8
            [2026.11.20-21:23:20:123][142]LogNet: other thread talking
            [2026.11.20-21:23:20:123][ 42]LogCore: Error: [Callstack] 0x02a1b2c3 Srv!AGameMode::Tick(float) [/src/GM.cpp:123]
            [2026.11.20-21:23:20:123][ 42]LogCore: Error: [Callstack] 0x02a1b2d3 Srv!UWorld::Tick(float) [/src/World.cpp:55]
            """
        let record = try #require(analyze(unreal).first)
        #expect(record.kind == "unreal")
        #expect(record.signal == "SIGSEGV")
        #expect(record.access == "read")
        #expect(record.frames.map(\.function) == ["AGameMode::Tick(float)", "UWorld::Tick(float)"])
        let godot = """
            handle_crash: Program crashed with signal 11
            Engine version: Godot Engine v4.2.stable.official (46dc277917a93cbf601bbcf0d27d00f6feeec0d5)
            [1] /lib/x86_64-linux-gnu/libc.so.6(+0x42520) [0x7f1e0] (??:0)
            [2] Node::tick() (/src/node.cpp:12)
            -- END OF BACKTRACE --
            """
        #expect(try #require(analyze(godot).first).frames.map(\.function) == [nil, "Node::tick()"])
        let unity = """
            Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)
            Obtained 2 stack frames.
            #0  0x00007f12 in Foo_Bar
            #1  0x00007f14 in World::Tick(float)
            """
        #expect(try #require(analyze(unity).first).exception == "SEGV_MAPERR")
        #expect(try #require(analyze(unity).first).frames.count == 2)
    }

    @Test func managedAndSwift() throws {
        let dotnet = """
            Unhandled exception. System.NullReferenceException: Object reference not set
               at Game.World.Tick(Single dt) in /src/World.cs:line 12
               at Game.Program.Main(String[] args)
            """
        let managed = try #require(analyze(dotnet).first)
        #expect(managed.kind == "dotnet")
        #expect(managed.exception == "System.NullReferenceException")
        #expect(managed.frames.map(\.function) == ["Game.World.Tick", "Game.Program.Main"])
        let swift = """
            Game/World.swift:12: Fatal error: Index out of range

            *** Program crashed: Illegal instruction at 0x0000555555 ***

            Thread 0 "cs" crashed:

            0 0x00007f00 _assertionFailure(_:_:file:line:flags:) + 302 in libswiftCore.so
            1 [ra] 0x0000555 World.tick(dt:) + 12 in game at /src/World.swift:12:5
            """
        let record = try #require(analyze(swift).first)
        #expect(record.kind == "swift")
        #expect(record.message == "Index out of range")
        #expect(record.frames.map(\.module) == ["libswiftCore.so", "game"])
        #expect(record.frames.last?.line == 12)
        let python = """
            Fatal Python error: Segmentation fault

            Current thread 0x00007f12 (most recent call first):
              File "a.py", line 3 in crash
              File "a.py", line 5 in <module>
            """
        let fault = try #require(analyze(python).first)
        #expect(fault.signal == "SIGSEGV")
        #expect(fault.frames.map(\.function) == ["crash", "<module>"])
    }

    @Test func timesComeFromTheLog() throws {
        let stamped = goPanic.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "[2026.11.20-21.23.20:123][ 42]LogCore: " + $0 }
        let record = try #require(analyze(stamped.joined(separator: "\n")).first)
        #expect(record.time == "2026-11-20T21:23:20.123Z")
        #expect(record.timeSource == "log")
        let near = try #require(analyze("2024-02-29T23:59:59Z INFO up\n" + goPanic).first)
        #expect(near.time == "2024-02-29T23:59:59.000Z")
        #expect(analyze(goPanic).first?.time == nil)
    }

    @Test func javaFatalErrorLog() throws {
        let text = """
            #
            # A fatal error has been detected by the Java Runtime Environment:
            #
            #  SIGSEGV (0xb) at pc=0x00007f3c, pid=1234, tid=1250
            #
            # Problematic frame:
            # C  [libphysics.so+0x1a2b]  World::step(float)+0x1b
            #
            ---------------  T H R E A D  ---------------
            Current thread (0x00007f):  JavaThread "GameLoop" [_thread_in_native, id=1250]
            siginfo: si_signo: 11 (SIGSEGV), si_code: 1 (SEGV_MAPERR), si_addr: 0x0000000000000010
            Native frames: (J=compiled Java code, j=interpreted, Vv=VM code, C=native code)
            C  [libphysics.so+0x1a2b]  World::step(float)+0x1b
            j  com.game.World.tick(F)V+12
            """
        let record = try #require(analyze(text).first)
        #expect(record.kind == "java_fatal")
        #expect(record.signal == "SIGSEGV")
        #expect(record.exception == "SEGV_MAPERR")
        #expect(record.address == Address(16))
        #expect(record.pid == 1234)
        #expect(record.threadName == "GameLoop")
        #expect(record.frames.map(\.function) == ["World::step(float)", "com.game.World.tick"])
    }

    @Test func bothScanPathsAgree() {
        var text = Array((goPanic + traceback).utf8)
        var state: UInt64 = 42
        for _ in 0..<400 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let place = Int(state >> 33) % text.count
            let entry = TextReportFormats.anchors[Int(state >> 20) % TextReportFormats.anchors.count]
            text.replaceSubrange(place..<place, with: entry.literal.utf8)
        }
        for length in [0, 1, 3, 4, 31, 35, 36, 63, 64, 1000, text.count] {
            text[..<length].withUnsafeBytes { bytes in
                let fast = TextCrashScanner.shared.find(bytes, limit: 65536, portable: false)
                #expect(fast == TextCrashScanner.shared.find(bytes, limit: 65536, portable: true))
                let naive = TextReportFormats.anchors.flatMap { entry -> [CrashAnchor] in
                    let wanted = Array(entry.literal.utf8)
                    guard bytes.count >= wanted.count else { return [] }
                    return (0...(bytes.count - wanted.count)).filter {
                        bytes[$0..<$0 + wanted.count].elementsEqual(wanted)
                    }
                    .map { CrashAnchor(offset: UInt64($0), id: entry.id) }
                }
                #expect(fast == naive.sorted())
            }
        }
    }
}
