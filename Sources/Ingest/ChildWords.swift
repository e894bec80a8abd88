import CShims
import Glibc

/// What a child says on standard error: taken from it while it runs, so that it never waits for room, kept within bounds,
/// and told only when it dies. The child does not get the caller's standard error, which may be a terminal.
final class ChildWords {
    /// As much of the end is kept, in bytes: what a program dies of it says last.
    static let most = 2048
    /// As much of that is told, in characters.
    static let mostTold = 400

    /// The child's end of the pipe; -1 once it is closed here.
    private(set) var writing: Int32
    /// Our end, to wait for; -1 once the child has closed its own.
    private(set) var reading: Int32
    private var kept: [UInt8] = []
    private var isCut = false

    /// - Throws: ``IngestError`` where no pipe can be made.
    init() throws(IngestError) {
        var ends: [Int32] = [-1, -1]
        guard salvage_drained_pipe(&ends) == 0 else {
            throw IngestError(.spawn, "cannot make a pipe for the ingest child: \(reason())")
        }
        reading = ends[0]
        writing = ends[1]
    }

    deinit {
        closeWriting()
        closeReading()
    }

    /// Leaves the child's end to the child, which has been started.
    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }

    private func closeReading() {
        if reading >= 0 { close(reading) }
        reading = -1
    }

    /// Takes what is there, and no more than a pipe holds, so that a child that does not stop talking holds nobody up.
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

    /// The end of what was said on one line of printable ASCII, whatever the child wrote; nil when it said nothing.
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
