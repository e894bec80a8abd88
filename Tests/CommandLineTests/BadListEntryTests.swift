import Foundation
import Testing

/// One bad entry in the list of sessions must not condemn the rest.
@Suite(.serialized) struct BadListEntryTests {
    private static let good = #"{"id":"\#("NAME")","image":"game","created":1790000000000,"status":"exited"}"#

    private static func fleet(_ bad: [UInt8]) throws -> EndedFleet {
        try EndedFleet(
            list: {
                Array(#"{"sessions":["#.utf8) + Array(good.replacing("NAME", with: "first").utf8) + [0x2C] + bad + [
                    0x2C
                ]
                    + Array(good.replacing("NAME", with: "last").utf8) + Array("]}".utf8)
            }, logs: { Array("log of ".utf8) + $0 + [0x0A] })
    }

    private static func entry(_ rest: String) -> [UInt8] { Array(#"{"status":"exited","image":"game",\#(rest)}"#.utf8) }

    @Test func whatHasASoundIdIsHarvestedWithTheRest() throws {
        let entries: [[UInt8]] = [
            Self.entry(#""id":"odd","labels":{"tags":"{\"m\":\"x\ud83d\"}","a":"\udc00"}"#),
            Self.entry(#""id":"odd","tag":""#).dropLast() + [0xFF, 0xC3] + Array("\"}".utf8),
            Self.entry("\"id\":\"odd\",\"host\":\"a\u{1}\nb\""), Self.entry(#""id":"odd","created":1e999"#),
            Self.entry(#""id":"odd","created":"yesterday","port":7,"labels":[],"playerCount":{}"#),
            Self.entry(
                #""id":"odd","x":"# + String(repeating: "[", count: 5_000) + String(repeating: "]", count: 5_000)),
            Self.entry(#""id":"odd","id":"other""#), Self.entry(#""id":"odd","created":-5"#),
        ]
        for bad in entries {
            let text = String(decoding: bad.prefix(200), as: UTF8.self)
            let fleet = try Self.fleet(bad)
            defer { fleet.server.stop() }
            let harvest = try fleet.salvage("harvest")
            #expect(harvest.status == 0, "\(text): \(harvest.out)\(harvest.err)")
            #expect(harvest.out.contains("3 harvested"), "\(text): \(harvest.out)")
            #expect(try fleet.salvage("logs", "odd").out == "log of odd\n", "\(text)")
        }
    }

    @Test func whatHasNotIsNamedAndTheRestIsHarvested() throws {
        let entries: [(bad: [UInt8], said: String)] = [
            (Self.entry(#""id":"odd-\ud83d\u001b[1m""#), #"odd-\u{fffd}\x1b[1m"#),
            (Self.entry(#""id":"odd-"#).dropLast() + [0xE9] + Array("\"}".utf8), "odd-"),
            (Self.entry(#""id":7"#), "no usable id"), (Self.entry(#""tag":"1""#), "no usable id"),
            (Array("7".utf8), "no usable id"),
            (Array(#"{"id" "odd"}"#.utf8), "expected a colon"), (Array("{}".utf8), "no usable id"),
        ]
        for (bad, said) in entries {
            let text = String(decoding: bad, as: UTF8.self)
            let fleet = try Self.fleet(bad)
            defer { fleet.server.stop() }
            let harvest = try fleet.salvage("harvest")
            #expect(harvest.status == 3, "\(text): \(harvest.out)\(harvest.err)")
            #expect(harvest.out.contains("2 harvested"), "\(text): \(harvest.out)")
            let lines = harvest.err.split(separator: "\n").filter { $0.contains("list entry 2") }
            #expect(lines.count == 1, "\(text): \(harvest.err)")
            #expect(
                lines.first?.contains("left out") == true
                    && lines.first?.contains(said.replacing("\\u{fffd}", with: "\u{FFFD}")) == true,
                "\(text): \(harvest.err)")
            #expect(!harvest.err.contains("\u{1B}"))
            #expect(try Set(fleet.states().keys) == [Array("first".utf8), Array("last".utf8)], "\(text)")
        }
    }

    @Test func aListThatCannotBeFollowedSaysSo() throws {
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[{"id":"first","status":"exited"},{"id":"se"#.utf8) },
            logs: { _ in Array("up\n".utf8) })
        defer { fleet.server.stop() }
        let harvest = try fleet.salvage("harvest", "--verbose")
        #expect(harvest.err.contains("session first harvested"), "\(harvest.out)\(harvest.err)")
        #expect(harvest.err.contains("the list ends before it is complete"), "\(harvest.err)")
    }

    @Test func aDescriptionWithHalfASurrogateIsRead() throws {
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[]}"#.utf8) }, logs: { _ in Array("up\n".utf8) },
            describe: { id in
                Array(
                    #"{"id":"x\ud800","status":"exited","image":"game","labels":{"a":"\ud83d"},"created":1e999,"n":""#
                        .utf8)
                    + [0xFF] + Array("\"}".utf8)
            })
        defer { fleet.server.stop() }
        let harvest = try fleet.salvage("harvest", "--session", "asked-for")
        #expect(harvest.status == 0, "\(harvest.err)")
        #expect(try fleet.salvage("logs", "asked-for").out == "up\n")
    }

    @Test func aLogOfZerosIsKeptAsItIs() throws {
        let zeros = [UInt8](repeating: 0, count: 3_000_001)
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[{"id":"z","status":"exited"}]}"#.utf8) }, logs: { _ in zeros })
        defer { fleet.server.stop() }
        #expect(try fleet.salvage("harvest").status == 0)
        let files = try fleet.salvage("files", "--json", "z").objects
        #expect(files.first?["size"] as? Int == zeros.count)
    }
}

/// A value that a test changes while a server reads it.
final class Mutexed<Value: Sendable>: @unchecked Sendable {
    // Unchecked: guarded by the lock.
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) { stored = value }

    var value: Value {
        get { lock.withLock { stored } }
        set { lock.withLock { stored = newValue } }
    }
}
