import LogTime
import Model
import Printers

@testable import LogSearch

/// A source in memory whose filter is exact: a block may contain a literal when its folded bytes do.
struct MemorySource: SearchSource {
    final class Decoder {}

    var label: SourceLabel
    var members: [SearchMember] = []
    private var blocks: [[UInt8]] = []
    private var folded: [[UInt8]] = []

    init(session: String = "S", start: Int64 = 0) {
        label = SourceLabel(
            SessionIdentity(id: session, image: "arena", tag: "1.2", location: "eu", created: start))
    }

    /// Adds a member cut after line feeds into blocks of about `blockSize` bytes; longer lines are split.
    mutating func add(_ path: String, _ content: [UInt8], blockSize: Int = 256 << 10, format: TimeFormat? = nil) {
        var pieces: [SearchPiece] = []
        var at = 0
        var line: UInt64 = 1
        let format = format ?? content.withUnsafeBytes { TimeFormat.detect($0) }
        var carried: Int64?
        while at < content.count {
            var end = min(at + blockSize, content.count)
            var midLine = false
            if end < content.count {
                if let feed = content[at..<end].lastIndex(of: 0x0A) { end = feed + 1 } else { midLine = true }
            }
            let block = Array(content[at..<end])
            var times: ClosedRange<Int64>?
            block.withUnsafeBytes {
                let reader = TimeReader(format: format, context: TimeContext(sessionStart: label.start))
                let own = reader.range(of: $0)
                let low = [own?.min, carried].compactMap(\.self).min()
                let high = [own?.max, carried].compactMap(\.self).max()
                if let low, let high { times = low...high }
                carried = reader.last(of: $0) ?? carried
            }
            pieces.append(
                SearchPiece(
                    block: blocks.count, count: block.count, memberOffset: UInt64(at), firstLine: line, times: times,
                    endsMidLine: midLine))
            line += UInt64(block.count { $0 == 0x0A })
            blocks.append(block)
            folded.append(block.map { asciiLower($0) })
            at = end
        }
        members.append(
            SearchMember(
                path: Array(path.utf8), isText: !content.prefix(64 << 10).contains(0), timeFormat: format,
                pieces: pieces))
    }

    func mayContain(_ query: BlockQuery, block: Int) -> Bool {
        query.query.mayMatch { !LiteralLimits.isUsable($0) || folded[block].containsRun($0) }
    }

    static func makeDecoder() -> Decoder { Decoder() }

    func rawSize(ofBlock block: Int) -> Int { blocks[block].count }

    func decode(block: Int, with decoder: Decoder, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        blocks[block].withUnsafeBytes { buffer.copyMemory(from: $0) }
        return blocks[block].count
    }
}

/// Collects what a search prints; refuses to read on after `limit` bytes.
struct Collected: SearchOutput {
    var bytes: [UInt8] = []
    var limit = Int.max

    mutating func write(_ more: UnsafeRawBufferPointer) -> Bool {
        bytes.append(contentsOf: more)
        return bytes.count < limit
    }

    mutating func flush() -> Bool { true }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// The options of a search and of printing its results, as one value.
@dynamicMemberLookup
struct TestOptions {
    var search = SearchOptions()
    var print = PrintOptions()

    subscript<Value>(dynamicMember path: WritableKeyPath<SearchOptions, Value>) -> Value {
        get { search[keyPath: path] }
        set { search[keyPath: path] = newValue }
    }

    subscript<Value>(dynamicMember path: WritableKeyPath<PrintOptions, Value>) -> Value {
        get { print[keyPath: path] }
        set { print[keyPath: path] = newValue }
    }
}

func search(
    _ patterns: [String], in sources: [MemorySource], patternOptions: (inout PatternOptions) -> Void = { _ in },
    options configure: (inout TestOptions) -> Void = { _ in }
) throws -> (text: [UInt8], report: SearchReport) {
    var reading = PatternOptions(patterns)
    patternOptions(&reading)
    var queue = sources.makeIterator()
    return try printed(try SearchPattern(reading), configure) { queue.next() }
}

/// Prints the results of a search to memory.
func printed<Source: SearchSource>(
    _ pattern: SearchPattern, _ configure: (inout TestOptions) -> Void = { _ in }, limit: Int = .max,
    nextSource: @escaping () -> Source?
) throws -> (text: [UInt8], report: SearchReport) {
    var options = TestOptions()
    configure(&options)
    let (report, output) = try PrintedSearch(options.search, options.print).run(
        pattern, into: Collected(limit: limit), nextSource: nextSource)
    return (output.bytes, report)
}

/// A small generator that gives the same numbers for the same seed.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }

    mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}
