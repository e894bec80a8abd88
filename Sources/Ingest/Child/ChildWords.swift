import CProcess
import Glibc

/// A child's standard error: drained while the child runs, so that it never blocks, kept within bounds, and reported
/// only when the child fails. The child does not get the caller's standard error, which may be a terminal.
final class ChildWords {
    /// The number of bytes kept from the end: a program prints last why it dies.
    static let most = 2048
    /// The number of characters reported.
    static let mostTold = 400

    /// The child's end of the pipe; -1 once it is closed here.
    private(set) var writing: Int32
    /// Our end, to poll; -1 once the child has closed its own.
    private(set) var reading: Int32
    private var kept: [UInt8] = []
    private var isCut = false

    /// Makes the pipe.
    ///
    /// - Throws: ``IngestError`` when that fails.
    init() throws(IngestError) {
        var ends: [Int32] = [-1, -1]
        guard salvage_drained_pipe(&ends) == 0 else {
            throw IngestError(.spawn, "cannot make a pipe for the confined process: \(reason())")
        }
        reading = ends[0]
        writing = ends[1]
    }

    deinit {
        closeWriting()
        closeReading()
    }

    /// Closes our copy of the child's end, after the child has been started.
    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }

    private func closeReading() {
        if reading >= 0 { close(reading) }
        reading = -1
    }

    /// Reads what is available, but no more than a pipe's capacity: a child that never stops writing must not block us.
    func drain() {
        var chunk = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<16 where reading >= 0 {
            let count = chunk.withUnsafeMutableBytes { read(reading, $0.baseAddress, $0.count) }
            if count > 0 {
                keep(chunk[..<count])
            } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
                closeReading()
            } else if errno == EAGAIN {
                return
            }
        }
    }

    func keep(_ bytes: ArraySlice<UInt8>) {
        kept += bytes
        guard kept.count > Self.most else { return }
        isCut = true
        kept.removeFirst(kept.count - Self.most)
    }

    /// The end of the child's output as one line of printable ASCII; nil when there is none.
    var told: String? {
        var text = ""
        for byte in kept {
            switch byte {
            case UInt8(ascii: "\n"): text += " | "
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "."
            }
        }
        let words = text.split(separator: " ").joined(separator: " ")
        let line = words.hasSuffix(" |") ? String(words.dropLast(2)) : words
        guard line.contains(where: { $0 != "." && $0 != " " && $0 != "|" }) else { return nil }
        let end = line.suffix(Self.mostTold)
        return (isCut || end.count < line.count ? "…" : "") + end
    }
}
