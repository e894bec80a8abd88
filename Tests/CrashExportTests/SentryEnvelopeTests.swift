import JSON
import Testing

@testable import CrashExport

@Suite struct SentryEnvelopeTests {
    private let event = Array(#"{"a":"line\nbreak"}"#.utf8)

    @Test func anEventAlone() throws {
        let body = try SentryEnvelope.gzip(id: "ab12", event: event, minidump: nil)
        let envelope = try TestEnvelope(try #require(TestCrashes.inflated(body)))
        #expect(envelope.header["event_id"]?.string == "ab12" && envelope.items.count == 1)
        #expect(envelope.items[0].payload == event)
    }

    /// Bytes that look like the format around them: newlines, headers, NUL.
    @Test func aMinidumpIsByteForByte() throws {
        var bytes = Array("MDMP\n{\"type\":\"event\",\"length\":1}\n\n\0".utf8)
        for index in 0..<200_000 { bytes.append(UInt8(truncatingIfNeeded: index &* 31 ^ index >> 7)) }
        let body = try SentryEnvelope.gzip(id: "ab12", event: event, minidump: TestCrashes.minidump(bytes))
        let envelope = try TestEnvelope(try #require(TestCrashes.inflated(body)))
        #expect(envelope.items.count == 2 && envelope.minidump == bytes)
        let header = envelope.items[1].header
        #expect(header["type"]?.string == "attachment" && header["filename"]?.string == "game.dmp")
        #expect(header["content_type"]?.string == "application/x-dmp")
    }

    @Test func aMinidumpBeyondALimitIsRefusedBeforeItIsRead() {
        let unread = Minidump(name: "x", size: 100_000_001) { _ in Issue.record("it was read") }
        #expect(throws: SentryEnvelope.Problem.self) {
            try SentryEnvelope.gzip(id: "1", event: [], minidump: unread)
        }
    }

    @Test func aMinidumpThatStaysTooLargeIsRefused() throws {
        var bytes: [UInt8] = []
        var state: UInt64 = 1
        for _ in 0..<100_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            bytes.append(UInt8(truncatingIfNeeded: state >> 33))
        }
        let limits = SentryEnvelope.Limits(minidump: 1 << 20, request: 50_000)
        do throws(SentryEnvelope.Problem) {
            _ = try SentryEnvelope.gzip(
                id: "1", event: event, minidump: TestCrashes.minidump(bytes), limits: limits)
            Issue.record("accepted")
        } catch {
            if case .unreadable = error { Issue.record("\(error)") }
        }
    }

    @Test(arguments: [0, 99, 101, 1 << 40]) func aMinidumpOfAnotherLengthIsRefused(_ size: UInt64) {
        let bytes = [UInt8](repeating: 7, count: 100)
        let limits = SentryEnvelope.Limits(minidump: .max)
        do throws(SentryEnvelope.Problem) {
            _ = try SentryEnvelope.gzip(
                id: "1", event: event, minidump: TestCrashes.minidump(bytes, size: size), limits: limits)
            Issue.record("accepted")
        } catch {
            if case .tooLarge = error { Issue.record("\(error)") }
        }
    }

    @Test func aMinidumpThatCannotBeReadIsReported() {
        struct Damage: Error {}
        let damaged = Minidump(name: "x", size: 10) { _ in throw Damage() }
        #expect(throws: SentryEnvelope.Problem.unreadable("it cannot be read: Damage()")) {
            try SentryEnvelope.gzip(id: "1", event: [], minidump: damaged)
        }
    }
}
