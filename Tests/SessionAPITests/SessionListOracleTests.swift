import Foundation
import SessionAPI
import Testing

/// Feeds a list to the decoder in pieces and gathers what comes out.
func streamed(_ bytes: [UInt8], pieces: (Int) -> Int) -> Result<SessionList, SessionListError> {
    var decoder = SessionListDecoder()
    var sessions: [SessionEntry] = []
    do throws(SessionListError) {
        var start = 0
        while start < bytes.count {
            let count = min(max(1, pieces(start)), bytes.count - start)
            // A copy of its own size, so that reading beyond it would be noticed by a sanitizer.
            let piece = Array(bytes[start..<start + count])
            let outcome: Result<Void, SessionListError> = piece.withUnsafeBytes { raw in
                do throws(SessionListError) {
                    return .success(try decoder.push(raw) { sessions.append($0) })
                } catch { return .failure(error) }
            }
            try outcome.get()
            start += count
        }
        let summary = try decoder.finish { sessions.append($0) }
        #expect(summary.entries == sessions.count)
        #expect(summary.bytes == bytes.count)
        return .success(SessionList(sessions: sessions, rejected: summary.rejected))
    } catch {
        return .failure(error)
    }
}

func streamed(_ text: String) -> Result<SessionList, SessionListError> {
    streamed(Array(text.utf8)) { _ in Int.max }
}

func oracle(_ bytes: [UInt8]) -> SessionList? {
    try? JSONDecoder().decode(SessionList.self, from: Data(bytes))
}

/// JSONDecoder guesses UTF-16 and UTF-32 from the first four bytes; the stream decoder takes UTF-8 only.
func looksLikeWideText(_ bytes: [UInt8]) -> Bool {
    bytes.prefix(4).contains(0) || bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE])
}

/// Whether two keys of an entry are one to JSONDecoder and JSONEncoder.
func hasEquivalentKeys(_ entry: SessionEntry) -> Bool {
    let keys = [entry.labels.tags, entry.labels.platform, entry.labels.other].map { $0.map(\.key) }
    return (keys + [entry.ports.map(\.name)]).contains { Set($0).count < $0.count }
}

@Suite struct SessionListOracleTests {
    private static var rounds: Int {
        ProcessInfo.processInfo.environment["SALVAGE_FUZZ_ROUNDS"].flatMap(Int.init) ?? 3_000
    }

    private func compare(_ bytes: [UInt8], seed: UInt64, pieces: (Int) -> Int) {
        guard !looksLikeWideText(bytes) else { return }
        let text = "seed \(seed): \(String(decoding: bytes, as: UTF8.self))"
        let expected = oracle(bytes)
        let found = streamed(bytes, pieces: pieces)
        switch (expected, found) {
        case (nil, .failure): break
        case (let expected?, .success(let list)):
            // JSONDecoder takes "é" in one scalar and in two for one key, and keeps one of them.
            let hasBoth = text.utf8.contains(0xCC) || text.contains("0301")
            let pairs = zip(list.sessions, expected.sessions).filter { $0.0 != $0.1 && !hasBoth }
            let isSame = list.sessions.count == expected.sessions.count && list.rejected == expected.rejected
            if !isSame || !pairs.isEmpty { Issue.record("\(text)\nfound \(list)\nexpected \(expected)") }
        case (nil, .success): break  // One bad entry does not condemn the rest.
        case (_?, .failure(let error)):
            Issue.record("JSONDecoder reads, we say \(error.message) at \(error.offset), \(text)")
        }
    }

    @Test func randomListsAgreeWithJSONDecoder() {
        var accepted = 0
        for seed in 1...UInt64(Self.rounds) {
            var generator = JSONGenerator(seed: seed)
            let bytes = generator.list()
            if oracle(bytes) != nil { accepted += 1 }
            let size = generator.random.pick([1, 2, 7, 64, 1_000_000])
            compare(bytes, seed: seed) { _ in size }
        }
        // Most generated lists must be valid, else nothing much has been compared.
        #expect(accepted > Self.rounds / 2)
    }

    @Test func damagedListsAgreeWithJSONDecoder() {
        var refused = 0
        for seed in 1...UInt64(Self.rounds) {
            var generator = JSONGenerator(seed: seed &+ 1_000_000)
            let bytes = generator.damage(generator.list())
            if oracle(bytes) == nil { refused += 1 }
            let size = generator.random.pick([1, 3, 50, 1_000_000])
            compare(bytes, seed: seed &+ 1_000_000) { _ in size }
        }
        #expect(refused > Self.rounds / 10)
    }

    @Test func everyPlaceToCutGivesTheSameResult() {
        for seed in 1...40 as ClosedRange<UInt64> {
            var generator = JSONGenerator(seed: seed &+ 5_000_000)
            var bytes = generator.list()
            if seed % 3 == 0 { bytes = generator.damage(bytes) }
            let whole = streamed(bytes) { _ in Int.max }
            for cut in 0..<bytes.count {
                let parts = streamed(bytes) { $0 == 0 && cut > 0 ? cut : Int.max }
                #expect(parts == whole, "seed \(seed), cut at \(cut)")
            }
            for size in 1...9 {
                #expect(streamed(bytes) { _ in size } == whole, "seed \(seed), pieces of \(size)")
            }
        }
    }

    @Test func manyEntriesInOddPieces() {
        var text = ""
        SyntheticSessionList(entries: 2_000).write { text += $0 }
        let bytes = Array(text.utf8)
        let expected = oracle(bytes)
        #expect(expected?.sessions.count == 2_000)
        for size in [1_000, 1_023, 4_096, 65_536, 1 << 20] {
            #expect(try! streamed(bytes) { _ in size }.get() == expected)
        }
    }
}
