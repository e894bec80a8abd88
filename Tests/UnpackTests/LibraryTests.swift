import Glibc
import Model
import Testing

@testable import Unpack

/// Undocumented behavior of the libraries below.
struct LibraryTests {
    /// Leaves `errno` as a call that ran out of memory would, wherever it may.
    private struct ForgetfulSink: ArchiveVisitor {
        typealias Failure = Never
        private(set) var paths: [[UInt8]] = []

        mutating func begin(_ entry: EntryHeader) {
            paths.append(entry.path)
            errno = ENOMEM
        }

        mutating func data(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) { errno = ENOMEM }

        mutating func hole(_ length: UInt64, at offset: UInt64) { errno = ENOMEM }

        mutating func end(_ outcome: EntryOutcome) { errno = ENOMEM }
    }

    @Test("an errno that was there before is not taken for a lack of memory")
    func staleErrno() {
        let odd: [UInt8] = [0xff, 0xfe, 0x80, 0x61]
        var tar = TarBuilder()
        for number in 0..<20 {
            tar.pax(TarBuilder.record("path", odd + Array("\(number)".utf8)) + TarBuilder.record("uname", odd))
            tar.file("short", "x")
            tar.add(.init(name: odd))
            tar.pax(TarBuilder.record("linkpath", odd))
            tar.link("link", to: "y", type: number % 2 == 0 ? "1" : "2")
        }
        tar.end()
        for bytes in [tar.bytes, gzip(tar.bytes)] {
            var sink = ForgetfulSink()
            errno = ENOMEM
            let report = bytes.withUnsafeBytes { Unpacker().unpack(bytes: $0, into: &sink) }
            #expect(report.verdict == .ok, "\(report)")
            #expect(report.entries == 60)
            #expect(sink.paths.filter { $0.starts(with: odd) }.count == 40)
        }
    }

    @Test("of damaged data no inflater gives back more than it was given", arguments: InflateBackend.allCases)
    func damagedPieces(_ backend: InflateBackend) {
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let whole = [
            Array(gzip(sample)[10...]), Array(gzip(sample, level: 1)[10...]), Array(gzip(sample, level: 0)[10...]),
        ]
        var room = [UInt8](repeating: 0, count: 512)
        for round in 0..<20_000 {
            var deflated = whole[round % 3]
            for _ in 0...random(3) { deflated[random(deflated.count)] ^= UInt8(1 << random(8)) }
            let inflater = backend.makeInflater()
            guard inflater.startMember() else { continue }
            var at = 0
            var isOver = false
            while at < deflated.count, !isOver {
                let piece = Array(deflated[at..<min(deflated.count, at + 1 + random(12))])
                let count = 1 + random(room.count)
                let step = piece.withUnsafeBytes { bytes in
                    room.withUnsafeMutableBytes { target in
                        inflater.inflate(bytes, into: UnsafeMutableRawBufferPointer(rebasing: target[..<count]))
                    }
                }
                guard (0...piece.count).contains(step.consumed), (0...count).contains(step.produced) else {
                    Issue.record("round \(round): \(step) of \(piece.count) bytes")
                    return
                }
                isOver = step.state != .running || (step.consumed == 0 && step.produced == 0)
                at += step.consumed
            }
        }
    }
}
