import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// Dumps of other systems and processors, and minidumps that are not crashes.
@Suite struct DumpVariantTests {
    /// Builds a binary file.
    private struct Bytes {
        var all: [UInt8] = []
        let bigEndian: Bool

        init(bigEndian: Bool = false) { self.bigEndian = bigEndian }

        mutating func put(_ value: UInt64, _ width: Int) {
            let bytes = (0..<width).map { UInt8(value >> UInt64(8 * $0) & 255) }
            all += bigEndian ? bytes.reversed() : bytes
        }
        mutating func pad(to count: Int) { all += [UInt8](repeating: 0, count: max(0, count - all.count)) }
        mutating func put(_ value: UInt64, _ width: Int, at place: Int) {
            pad(to: place)
            put(value, width)
        }
        mutating func text(_ text: String, at place: Int) {
            pad(to: place)
            all += Array(text.utf8)
        }
    }

    private struct Note {
        var owner: String
        var type: UInt64
        var body: Bytes
    }

    /// An ELF core with notes only.
    private func core(
        machine: UInt64, is64: Bool = true, bigEndian: Bool = false, system: UInt8 = 0, _ notes: [Note]
    ) -> [UInt8] {
        var segment = Bytes(bigEndian: bigEndian)
        for note in notes {
            segment.put(UInt64(note.owner.utf8.count + 1), 4)
            segment.put(UInt64(note.body.all.count), 4)
            segment.put(note.type, 4)
            segment.all += Array(note.owner.utf8) + [0]
            segment.pad(to: (segment.all.count + 3) / 4 * 4)
            segment.all += note.body.all
            segment.pad(to: (segment.all.count + 3) / 4 * 4)
        }
        var file = Bytes(bigEndian: bigEndian)
        file.all = [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, bigEndian ? 2 : 1, 1, system]
        file.put(4, 2, at: 16)
        file.put(machine, 2)
        file.put(1, 4)
        let word = is64 ? 8 : 4
        let header = is64 ? 64 : 52
        let program = is64 ? 56 : 32
        file.put(0, word)
        file.put(UInt64(header), word)
        file.put(0, word)
        file.put(0, 4)
        for value in [header, program, 1, 0, 0, 0] { file.put(UInt64(value), 2) }
        file.put(4, 4, at: header)
        if is64 { file.put(4, 4) }
        file.put(UInt64(header + program), word)
        file.put(0, 2 * word)
        file.put(UInt64(segment.all.count), word)
        file.put(UInt64(segment.all.count), word)
        file.pad(to: header + program)
        file.all += segment.all
        return file.all
    }

    private func status(signal: UInt64, thread: UInt64, is64: Bool, bigEndian: Bool) -> Note {
        var body = Bytes(bigEndian: bigEndian)
        body.put(signal, 4)
        body.put(signal, 2, at: 12)
        body.put(thread, 4, at: is64 ? 32 : 24)
        body.pad(to: is64 ? 400 : 200)
        return Note(owner: "CORE", type: 1, body: body)
    }

    private func record(_ bytes: [UInt8]) throws -> CrashRecord {
        try #require(CrashAnalyzer().analyze(source: MemoryByteSource(bytes), name: "core").first)
    }

    @Test(arguments: [
        (UInt64(21), true, true, "ppc64", "SIGSEGV"), (22, true, true, "s390x", "SIGSEGV"),
        (243, true, false, "riscv64", "SIGSEGV"), (8, false, true, "mips", "SIGSEGV"),
        (20, false, true, "ppc", "SIGSEGV"), (62, false, false, "x32", "SIGSEGV"),
    ]) func foreignProcessor(machine: UInt64, is64: Bool, bigEndian: Bool, name: String, signal: String) throws {
        let notes = [11, 0].enumerated().map { index, number in
            status(signal: UInt64(number), thread: UInt64(700 + index), is64: is64, bigEndian: bigEndian)
        }
        let record = try record(core(machine: machine, is64: is64, bigEndian: bigEndian, notes))
        #expect(record.arch == name)
        #expect(record.os == "linux")
        #expect(record.signal == signal)
        #expect(record.threads.map(\.thread) == [700, 701])
        #expect(record.threads.allSatisfy { $0.registers.isEmpty && $0.frames.isEmpty })
        #expect(record.notes.contains { $0.contains("unsupported processor ") })
    }

    /// The same number is another signal on another processor.
    @Test func signalNumbersGoByProcessor() throws {
        let mips = try record(
            core(machine: 8, bigEndian: true, [status(signal: 10, thread: 1, is64: true, bigEndian: true)]))
        #expect(mips.signal == "SIGBUS")
        let alpha = try record(
            core(machine: 0x9026, [status(signal: 10, thread: 1, is64: true, bigEndian: false)]))
        #expect(alpha.signal == "signal 10")
        #expect(alpha.isCrash)
    }

    @Test func coreOfNetBSD() throws {
        var body = Bytes()
        for value in [1, 160, 10, 1] { body.put(UInt64(value), 4) }
        body.put(4711, 4, at: 0x50)
        body.text("srcds", at: 0x7c)
        body.pad(to: 160)
        let threads = [1, 2].map { Note(owner: "NetBSD-CORE@\($0)", type: 33, body: Bytes()) }
        let record = try record(
            core(machine: 62, [Note(owner: "NetBSD-CORE", type: 1, body: body)] + threads))
        #expect(record.os == "netbsd")
        #expect(record.signal == "SIGBUS")
        #expect(record.pid == 4711)
        #expect(record.executable == "srcds")
        #expect(record.threads.map(\.thread) == [1, 2])
        #expect(record.address == nil)
    }

    @Test func coreOfOpenBSD() throws {
        var body = Bytes()
        for value in [1, 104, 11, 1] { body.put(UInt64(value), 4) }
        body.put(815, 4, at: 0x20)
        body.text("server", at: 0x48)
        body.pad(to: 104)
        let thread = Note(owner: "OpenBSD@4242", type: 20, body: Bytes())
        let record = try record(core(machine: 62, [Note(owner: "OpenBSD", type: 10, body: body), thread]))
        #expect(record.os == "openbsd")
        #expect(record.signal == "SIGSEGV")
        #expect(record.pid == 815)
        #expect(record.threads.map(\.thread) == [4242])
    }

    @Test func coreOfFreeBSD() throws {
        var body = Bytes()
        body.put(1, 4)
        body.put(31, 4, at: 36)
        body.put(100_123, 4)
        body.pad(to: 200)
        let record = try record(core(machine: 62, system: 9, [Note(owner: "FreeBSD", type: 1, body: body)]))
        #expect(record.os == "freebsd")
        #expect(record.signal == "SIGUSR2")
        #expect(record.threads.map(\.thread) == [100_123])
        #expect(record.threads.allSatisfy { $0.registers.isEmpty })
    }

    @Test(arguments: [(UInt64(0), false), (2, false), (19, false), (6, true), (11, true), (3, true), (5, true)])
    func onlyFatalSignalsAreCrashes(signal: UInt64, isCrash: Bool) throws {
        let record = try record(core(machine: 62, [status(signal: signal, thread: 9, is64: true, bigEndian: false)]))
        #expect(record.isCrash == isCrash)
        #expect(record.detector == "elf_core")
    }

    private func reason(
        _ code: UInt32, flags: UInt32 = 0, parameters: [UInt64] = [], _ platform: MinidumpSystem.Platform
    ) -> MinidumpReason {
        MinidumpReason(
            MinidumpFile.Exception(
                thread: 1, code: code, flags: flags, address: 0x3e8_0000_1234, parameters: parameters),
            platform: platform,
            is64: true)
    }

    @Test func reasonsOfWindows() {
        #expect(
            reason(0xc000_0409, parameters: [7], .windows).exception
                == "STATUS_STACK_BUFFER_OVERRUN / FAST_FAIL_FATAL_APP_EXIT")
        #expect(
            reason(0xc000_0409, parameters: [9999], .windows).exception
                == "STATUS_STACK_BUFFER_OVERRUN / FAST_FAIL_9999")
        #expect(reason(0x4000, .windows).exception == "Unreal assertion")
        #expect(reason(0x8000, .windows).exception == "Unreal GPU crash")
        #expect(!reason(0x4000, .windows).isRequest)
    }

    @Test func requestedDumps() {
        #expect(reason(.max, .linux).isRequest)
        #expect(reason(0x0517_a7ed, .windows).isRequest)
        #expect(reason(0x4350_7378, .macos).isRequest)
        #expect(!reason(11, flags: 1, .linux).isRequest)
    }

    /// A signal from kill(2) has the sender in the field in which a fault has its address.
    @Test func senderIsNoAddress() {
        #expect(reason(6, flags: UInt32(bitPattern: -6), .linux).address == nil)
        #expect(reason(6, .linux).address == nil)
        #expect(reason(11, flags: UInt32(bitPattern: -6), .linux).address == nil)
        #expect(reason(11, flags: 1, .linux).address == 0x3e8_0000_1234)
    }

    @Test(
        arguments: [
            String.Encoding.utf16LittleEndian, .utf16BigEndian,
        ], [true, false]) func textInUTF16(encoding: String.Encoding, hasMark: Bool) throws
    {
        let text = "Starting\nserver: game.cc:30: int tick(int): Assertion `zero != 0' failed.\nAborted (core dumped)\n"
        let plain = CrashAnalyzer().analyze(source: MemoryByteSource(Array(text.utf8)), name: "log")
        let wide = try #require(((hasMark ? "\u{feff}" : "") + text).data(using: encoding))
        let records = CrashAnalyzer().analyze(source: MemoryByteSource(Array(wide)), name: "log")
        #expect(records.map(\.signature) == plain.map(\.signature))
        #expect(records.first?.message == "zero != 0")
    }

    @Test func timesBefore1970() {
    }
}
