import SessionAPI
import Testing

@Suite struct DockerLogFramesTests {
    private func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
        let count = UInt32(text.utf8.count)
        return [stream, 0, 0, 0] + withUnsafeBytes(of: count.bigEndian, Array.init) + Array(text.utf8)
    }

    private func run(_ bytes: [UInt8], pieces: Int) -> (text: [UInt8], errors: [UInt8], state: DockerLogFrames) {
        var frames = DockerLogFrames()
        var text: [UInt8] = []
        var errors: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + pieces)
            Array(bytes[start..<end]).withUnsafeBytes { raw in
                frames.push(raw) { stream, piece in
                    text += piece
                    if stream == .stderr { errors += piece }
                }
            }
            start = end
        }
        frames.finish { _, piece in text += piece }
        return (text, errors, frames)
    }

    @Test func framesAreTakenOutWhateverThePieces() {
        let bytes = frame(1, "hello\n") + frame(2, "oops\n") + frame(1, "") + frame(1, "bye\n")
        for pieces in 1...bytes.count {
            let (text, errors, state) = run(bytes, pieces: pieces)
            #expect(String(decoding: text, as: UTF8.self) == "hello\noops\nbye\n")
            #expect(String(decoding: errors, as: UTF8.self) == "oops\n")
            #expect(state.mode == .framed)
            #expect(state.frames == 4)
            #expect(!state.endedInsideFrame)
        }
    }

    @Test func plainLogsPassUntouched() {
        let logs: [[UInt8]] = [
            Array("2023-04-01T12:00:00Z [INFO] up\n".utf8), [], [1], [1, 0, 0], [1, 0, 0, 0, 0, 0, 1],
            [0, 0, 0, 7, 1, 2],
            [2, 0, 0, 0, 1, 0, 0, 0, 65], [3, 0, 0, 0, 0, 0, 0, 1, 65], [0xFF, 0xFE, 0, 0],
        ]
        for bytes in logs {
            for pieces in 1...max(1, bytes.count) {
                let (text, _, state) = run(bytes, pieces: pieces)
                #expect(text == bytes)
                #expect(state.mode == .plain)
            }
        }
    }

    @Test func nothingIsHeldBackFromAPlainLog() {
        var frames = DockerLogFrames()
        var text = ""
        [UInt8]("a".utf8).withUnsafeBytes { frames.push($0) { text += String(decoding: $1, as: UTF8.self) } }
        #expect(text == "a")
    }

    @Test func aLogCutInsideAFrameSaysSo() {
        let bytes = frame(1, "hello\n") + frame(1, "world\n")
        for cut in 1..<bytes.count where cut != 14 {
            let (text, _, state) = run(Array(bytes[..<cut]), pieces: 3)
            if cut >= 8 { #expect(state.endedInsideFrame, "cut at \(cut)") }
            // Nothing that arrived is lost: a cut header is passed on as it came.
            let expected = cut < 8 ? cut : cut < 14 ? cut - 8 : cut < 22 ? cut - 8 : cut - 16
            #expect(text.count == expected, "cut at \(cut)")
        }
    }

    @Test func aHeaderThatMakesNoSenseEndsTheFraming() {
        let (text, _, state) = run(frame(1, "one\n") + Array("no frame here\n".utf8), pieces: 5)
        #expect(String(decoding: text, as: UTF8.self) == "one\nno frame here\n")
        #expect(state.mode == .broken)
    }

    @Test func zerosAreBytesOfTheLogAndNoFrames() {
        for count in [1, 7, 8, 9, 16, 64, 4_096, 100_003] {
            let zeros = [UInt8](repeating: 0, count: count)
            for (before, after) in [("", ""), ("", "up\n"), ("up\n", ""), ("up\n", "down\n")] {
                let plain = Array(before.utf8) + zeros + Array(after.utf8)
                #expect(run(plain, pieces: 4_093).text == plain, "\(count) zeros in a plain log")
                let framed = frame(1, "one\n") + zeros + Array(after.utf8)
                let (text, _, state) = run(framed, pieces: 4_093)
                #expect(text == Array("one\n".utf8) + zeros + Array(after.utf8), "\(count) zeros after a frame")
                if count >= 8 { #expect(state.mode == .broken) }
            }
        }
    }

    @Test func aLogOfNothingButEmptyFramesIsKept() {
        let few = frame(1, "") + frame(2, "")
        #expect(run(few, pieces: 3).text == few)
        #expect(run(few + frame(1, "x"), pieces: 3).text == Array("x".utf8))
        let many = Array((0..<100_000).map { _ in frame(1, "") }.joined())
        #expect(run(many, pieces: 4_096).text == many)
        let (text, _, state) = run(frame(1, "one\n") + many, pieces: 4_096)
        #expect(text == Array("one\n".utf8) + many)
        #expect(state.mode == .broken)
        #expect(run(frame(1, "one\n") + few, pieces: 4_096).text == Array("one\n".utf8))
    }
}
