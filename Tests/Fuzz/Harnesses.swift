import Glibc
import JSON
import Model
import Text
import XML

@testable import CrashAnalysis
@testable import LogSearch
@testable import Pack
@testable import SalvageConfiguration
@testable import SessionModel
@testable import Unpack

/// One reader of hostile bytes, driven by libFuzzer: it must return for any bytes.
struct Harness: Sendable {
    /// What `scripts/fuzz` calls it.
    let name: String
    /// Feeds the reader.
    let run: @Sendable (UnsafeRawBufferPointer) -> Void
    /// Inputs to begin with.
    let seeds: @Sendable () -> [[UInt8]]

    /// All of them.
    static let all = [
        pack, json, xml, sessions, errors, configuration, pattern, gzip, tar, core, minidump, text,
    ]

    private static func texts(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }

    // MARK: Archives

    private static let limits: UnpackLimits = {
        var limits = UnpackLimits()
        limits.totalSize = 4 << 20
        limits.holeBytes = 16 << 20
        limits.entries = 1000
        return limits
    }()

    /// Both inflaters must agree on what is good.
    private static let gzip = Harness(name: "gzip") { bytes in
        var sink = NullSink()
        let first = Unpacker(limits: limits).unpack(bytes: bytes, into: &sink)
        let second = Unpacker(limits: limits, backend: .zlib).unpack(bytes: bytes, into: &sink)
        // If the trailer is both wrong and cut, the libraries report different errors first; on valid input they must
        // agree.
        precondition((first.verdict == .ok) == (second.verdict == .ok), "the inflaters disagree")
    } seeds: {
        [[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    }

    private static let tar = Harness(name: "tar") { bytes in
        var sink = CountingSink()
        let report = Unpacker(limits: limits).unpack(bytes: bytes, into: &sink)
        precondition(sink.isConsistent && report.entries == sink.entries, "the sink was told something impossible")
    } seeds: {
        [[UInt8](repeating: 0, count: 1024)]
    }

    // MARK: The store

    private static let pack = Harness(name: "pack") { bytes in
        guard let mode = bytes.first else { return }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[1...])
        switch mode & 3 {
        case 0: read(pack: Array(rest))
        case 1:
            let blocks = (try? BlockTable.decode(rest, limit: 1 << 40)) ?? []
            precondition(blocks.allSatisfy { $0.storedSize <= 1 << 20 }, "a block is larger than allowed")
        case 2:
            let table = Int(rest.first ?? 0) * BlockTable.rowSize
            guard rest.count > table + 1 else { return }
            let blocks =
                (try? BlockTable.decode(UnsafeRawBufferPointer(rebasing: rest[1..<(1 + table)]), limit: 1 << 40)) ?? []
            _ = try? MemberTable.decode(UnsafeRawBufferPointer(rebasing: rest[(1 + table)...]), blocks: blocks)
        default: read(pack: PackMending.mended(Array(rest)))
        }
    } seeds: {
        PackMending.seeds()
    }

    private static func read(pack bytes: [UInt8]) {
        _ = PackReader.verify(bytes)
        guard let reader = try? PackReader.parse(bytes, tolerant: true) else { return }
        _ = try? reader.session()
        _ = try? reader.artifacts()
        _ = try? reader.crashes()
        _ = try? reader.filters()
        var buffer = [UInt8](repeating: 0, count: 4096)
        for index in reader.members.indices.prefix(16) {
            guard let content = try? reader.content(ofMember: index) else { continue }
            for offset in [0, content.size / 2, content.size &- 1] {
                _ = buffer.withUnsafeMutableBytes { try? content.read(at: offset, into: $0) }
            }
            _ = reader.pieces(ofMember: index)
        }
        for block in reader.blocks.indices.prefix(16) { _ = reader.pieces(inBlock: block) }
    }

    // MARK: JSON

    /// A value that was read and written is read again as the same value.
    private static let json = Harness(name: "json") { bytes in
        guard let value = try? JSONValue(document: bytes) else { return }
        precondition((try? JSONValue(parsing: value.utf8)) == value, "written differently from how it was read")
    } seeds: {
        texts(
            #"{"a":[1,-0.5e3,true,false,null,18446744073709551615],"b":{"c":"\u00e9\ud83d\ude00\b\/"},"a":""}"#,
            "[[[]]]",
            "\"\u{7f}\"")
    }

    // MARK: XML

    /// An element that was read and written is read again as the same element.
    private static let xml = Harness(name: "xml") { bytes in
        guard let root = try? XMLReader.root(of: bytes) else { return }
        func written(_ element: XMLElement) -> String {
            let inside = XMLText.escaped(element.text) + element.children.map(written).joined()
            return "<\(element.name)>\(inside)</\(element.name)>"
        }
        func isPlain(_ element: XMLElement) -> Bool {
            // Characters that only references can stand for cannot be written.
            XMLText.isWritable(element.text) && element.children.allSatisfy(isPlain)
        }
        guard isPlain(root) else { return }
        precondition(
            (try? XMLReader.root(of: Array(written(root).utf8))) == root, "written differently from how it was read")
    } seeds: {
        texts(
            "<?xml version='1.0'?><s3:L xmlns:s3=\"u\"><C><K>a&amp;&#x41;</K><K/><![CDATA[<]]><!-- c --></C></s3:L>",
            "<Error><Code>SlowDown</Code><Message>&lt;no&gt; &#10;</Message></Error>")
    }

    // MARK: The API

    /// The result is the same however a list is cut into pieces.
    private static let sessions = Harness(name: "sessions") { bytes in
        let whole = decode(bytes, piece: .max)
        let pieces = decode(bytes, piece: 7)
        precondition(whole.ids == pieces.ids && whole.error == pieces.error, "the pieces matter")
    } seeds: {
        texts(
            #"{"sessions":[]}"#,
            #"{"sessions":[{"id":"a","image":"i","created":1700000000000,"host":"1.2.3.4","port":{"7777/udp":20001},"#
                + #""location":"eu","status":"running","labels":{"tags":"{\"a\":\"b\"}","env":"[\"A=b\"]"}}]}"#,
            #"{"more":{"x":[true,null,1e5]},"sessions":[{"id":"\u00e4\ud83d\ude00"},{"id":3},null]}"#)
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer, piece: Int) -> (ids: [String], error: SessionListError?)
    {
        var ids: [String] = []
        var decoder = SessionListDecoder(maximumValue: 1 << 16)
        do {
            var start = 0
            while start < bytes.count {
                let count = min(piece, bytes.count - start)
                try decoder.push(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])) { ids.append($0.id) }
                start += count
            }
            _ = try decoder.finish { ids.append($0.id) }
            return (ids, nil)
        } catch {
            return (ids, error as? SessionListError)
        }
    }

    private static let errors = Harness(name: "errors") { bytes in
        for status in [400, 404, 500] {
            let error = APIError.answer(
                .artifacts, session: "s", status: status, body: bytes, retryAfter: nil,
                redaction: Redaction(token: "secret"))
            precondition(!error.message.contains("secret"), "a secret remained")
        }
    } seeds: {
        texts(
            #"{"statusCode":404,"code":"not_found","identifier":"x","path":"/p","message":"gone","details":"d"}"#,
            #"{"message":["a","b"],"violations":[{"field":"f","description":"d"}],"timestamp":"2026"}"#,
            "<html><body>502 Bad Gateway</body></html>")
    }

    // MARK: The user's side

    private static let configuration = Harness(name: "config") { bytes in
        _ = try? Configuration.parse(String(decoding: bytes, as: UTF8.self), file: "fuzz")
    } seeds: {
        texts(
            "store: /a\napi:\n  url: http://h\n  token_file: t\npoll: {running: 5s, all: 1m}\nretention: 4h\n",
            "rules:\n  - name: a\n    match: {image: 'a*', labels: {mode: duel}}\n    artifacts:\n      - /game/{session}\n"
                + "      - {path: /x, sample: 5%}\n    sample: crashed\n    follow: true\n",
            "limits:\n  concurrency: 4\n  requests_per_minute: {list: 5}\n  unpack: {header: 1MiB, entries: 10}\n")
    }

    private static let pattern = Harness(name: "pattern") { bytes in
        guard let first = bytes.first else { return }
        var options = PatternOptions([String(decoding: bytes.dropFirst().prefix(512), as: UTF8.self)])
        options.ignoreCase = first & 1 != 0
        options.word = first & 2 != 0
        options.line = first & 4 != 0
        options.crlf = first & 8 != 0
        options.fixed = first & 16 != 0
        options.smartCase = first & 32 != 0
        guard let pattern = try? SearchPattern(options) else { return }
        _ = BlockQuery(pattern.query)
    } seeds: {
        texts(
            "\u{0}player=[0-9a-f-]{36} .*rtt=29\\d$", "\u{1}(?i)fatal error: (abc|def)+",
            "\u{2}\\b\\d{3}\\.x?+\\Q..\\E",
            "\u{8}(?<n>a)(?=b)(?!c)[[:alpha:]\\x41-\\x{5a}]*?$", "\u{0}error|warning|(?#c)(?x) a b")
    }

    // MARK: Crashes

    private static func analyze(_ bytes: UnsafeRawBufferPointer) {
        let records = CrashAnalyzer().analyze(source: MemoryByteSource(Array(bytes)), name: "fuzz")
        for record in records {
            precondition(record.frames.count <= 4096, "too many frames")
            _ = record.json()
        }
    }

    private static let core = Harness(name: "core") {
        analyze($0)
    } seeds: {
        [[0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 62, 0] + [UInt8](repeating: 0, count: 100)]
    }

    private static let minidump = Harness(name: "minidump") {
        analyze($0)
    } seeds: {
        [Array("MDMP".utf8) + [0x93, 0xa7, 0, 0, 1, 0, 0, 0, 32, 0, 0, 0] + [UInt8](repeating: 0, count: 100)]
    }

    private static let text = Harness(name: "text") {
        analyze($0)
    } seeds: {
        texts(
            "panic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n\t/a/b.go:5 +0x1d\n",
            "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nValueError: x\n",
            "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n    #0 0x1 in f /a.c:3\n",
            "thread 'main' panicked at src/main.rs:1:2:\nx\nstack backtrace:\n   0: a::b\n             at ./src/main.rs:2\n",
            "Fatal error: Index out of range: file Swift/x.swift, line 4\n",
            "-----BEGIN BREAKPAD MICRODUMP-----\nO L x86_64 04 x86_64 1\n-----END BREAKPAD MICRODUMP-----\n")
    }
}

/// Checks the calls of a sink: pieces in order, without a gap.
struct CountingSink: ArchiveVisitor {
    typealias Failure = Never

    private(set) var entries: UInt64 = 0
    private(set) var isConsistent = true
    private var delivered: UInt64 = 0
    private var isOpen = false

    mutating func begin(_ entry: EntryHeader) {
        isConsistent = isConsistent && !isOpen
        isOpen = true
        delivered = 0
        entries += 1
    }

    mutating func data(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {
        isConsistent = isConsistent && isOpen && offset == delivered
        delivered &+= UInt64(bytes.count)
    }

    mutating func hole(_ length: UInt64, at offset: UInt64) {
        isConsistent = isConsistent && isOpen && offset == delivered && length > 0
        delivered &+= length
    }

    mutating func end(_ outcome: EntryOutcome) {
        isConsistent = isConsistent && isOpen && outcome.bytes &+ outcome.holeBytes == delivered
        isOpen = false
    }
}
