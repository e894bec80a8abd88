import Foundation
import Testing

@testable import Catalog

@Suite struct CrashColumnsTests {
    /// Foundation's decoder is the oracle for well-formed records.
    @Test func readsWhatFoundationReads() throws {
        let texts = [
            "SIGSEGV tick", "quote \" back \\ slash", "tab\tline\nend\r", "ümläut \u{1F4A5} \u{7}", "", "a/b", "\u{0}x",
        ]
        for signature in texts {
            for thread in texts {
                let object: [String: Any] = [
                    "crash": "c", "frames": [["signature": "wrong", "nested": ["}", "]", "\\\""]]],
                    "signature": signature,
                    "thread_name": thread, "time": "2026-11-20T12:00:00.250Z", "n": 1.5e3, "t": true, "z": NSNull(),
                ]
                for options: JSONSerialization.WritingOptions in [[], [.prettyPrinted], [.sortedKeys]] {
                    let data = try JSONSerialization.data(withJSONObject: object, options: options)
                    let facts = CrashColumns(json: Array(data))
                    #expect(facts.signature == signature)
                    #expect(facts.thread == thread)
                    #expect(facts.id == "c")
                    #expect(facts.time == moment(12) + 250)
                }
            }
        }
    }

    @Test(
        arguments: [
            ("2026-11-20T00:00:00Z", moment(0)), ("2026-11-20T00:00:00.5Z", moment(0) + 500),
            ("1970-01-01T00:00:00.000Z", 0), ("2000-02-29T23:59:59.999999Z", 951_868_799_999),
            ("2026-13-20T00:00:00Z", nil), ("2026-11-20 00:00:00Z", moment(0)), ("2026-11-20T00:00:00", moment(0)),
            ("1764000000000", 1_764_000_000_000),
            ("", nil), ("ZZZZ-11-20T00:00:00Z", nil), ("2026-11-20T00:00:00.xZ", nil),
        ] as [(String, Int64?)])
    func times(text: String, expected: Int64?) {
        #expect(CrashColumns(json: Array("{\"time\":\"\(text)\"}".utf8)).time == expected)
    }

    @Test func everyCutAndEveryFlippedBitIsSurvived() {
        let record = crashJSON(signature: "a \\u00e9\\ud83d\\ude00 \\\"b\\\"", id: "c1", time: "2026-11-20T12:00:00Z")
        #expect(CrashColumns(json: record).signature == "a \u{e9}\u{1F600} \"b\"")
        for length in 0...record.count { _ = CrashColumns(json: Array(record.prefix(length))) }
        for index in record.indices {
            for bit in 0..<8 {
                var damaged = record
                damaged[index] ^= 1 << bit
                _ = CrashColumns(json: damaged)
            }
        }
        #expect(CrashColumns(json: [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)).signature == nil)
        let deep = String(repeating: "{\"name\":", count: 50_000)
        #expect(CrashColumns(json: Array("{\"signature\":\(deep)".utf8)).signature == nil)
        let closed = deep + "1" + String(repeating: "}", count: 50_000)
        #expect(CrashColumns(json: Array("{\"signature\":\(closed)}".utf8)).signature == nil)
    }
}
