internal import Glibc
internal import LogSearch

/// Sorted runs of lines in a temporary file that has no name.
///
/// A line is its key (time and sequence, eight bytes each), its length with whether it is selected in the top bit (four
/// bytes), and its bytes.
final class SpillFile {
    private let descriptor: Int32
    private let most: UInt64
    private var runs: [Range<UInt64>] = []
    private var start: UInt64 = 0
    private var end: UInt64 = 0
    private var buffer: [UInt8] = []
    private static let headSize = 20
    private static let bufferSize = 256 << 10

    /// Creates a file in `TMPDIR`, else in `/var/tmp`, which is on a disk where `/tmp` may be memory.
    init(most: UInt64) throws(LogSearchError) {
        self.most = most
        var failed: Int32 = 0
        let places = [getenv("TMPDIR").map { String(cString: $0) }, "/var/tmp", "/tmp"]
        for place in places.compactMap(\.self) where place.hasPrefix("/") {
            var name = Array((place + "/salvage-sort-XXXXXX").utf8CString)
            let opened = mkstemp(&name)
            if opened >= 0 {
                _ = fcntl(opened, F_SETFD, FD_CLOEXEC)
                unlink(name)
                descriptor = opened
                return
            }
            failed = errno
        }
        throw Self.failure("no temporary file could be created: \(String(cString: strerror(failed)))")
    }

    deinit { close(descriptor) }

    private static func failure(_ message: String) -> LogSearchError {
        LogSearchError(
            code: .resources, message: "the lines could not be sorted by time: \(message)",
            hint: "--limit N keeps only the first N lines; --since and --until narrow the search; TMPDIR names the "
                + "folder of temporary files")
    }

    func beginRun() { start = end }

    func add(_ key: TimeKey, _ line: ArraySlice<UInt8>) throws(LogSearchError) {
        guard line.count < 1 << 31 else { throw Self.failure("a line is longer than 2 GiB") }
        withUnsafeBytes(of: key.time.littleEndian) { buffer.append(contentsOf: $0) }
        withUnsafeBytes(of: key.sequence.littleEndian) { buffer.append(contentsOf: $0) }
        let length = UInt32(line.count) | (key.isSelected ? 1 << 31 : 0)
        withUnsafeBytes(of: length.littleEndian) { buffer.append(contentsOf: $0) }
        buffer.append(contentsOf: line)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    func endRun() throws(LogSearchError) {
        try flush()
        runs.append(start..<end)
    }

    private func flush() throws(LogSearchError) {
        guard end + UInt64(buffer.count) <= most else {
            throw Self.failure("they take more than \(most >> 20) MiB")
        }
        let problem = buffer.withUnsafeBytes { bytes -> Int32 in
            var at = 0
            while at < bytes.count {
                let count = write(descriptor, bytes.baseAddress.map { $0 + at }, bytes.count - at)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return count < 0 ? errno : EIO }
                at += count
            }
            return 0
        }
        guard problem == 0 else { throw Self.failure(String(cString: strerror(problem))) }
        end += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Passes the lines of all runs in order; `take` returns false to end.
    func merge(_ take: (TimeKey, UnsafeRawBufferPointer) -> Bool) throws(LogSearchError) {
        var heap: [Run] = []
        for range in runs {
            let run = Run(descriptor, range)
            if try run.advance() { heap.append(run) }
        }
        for index in heap.indices.reversed() { Self.sink(&heap, index) }
        while let first = heap.first {
            guard first.withLine({ take(first.key, $0) }) else { return }
            if try !first.advance() {
                heap.swapAt(0, heap.count - 1)
                heap.removeLast()
            }
            if !heap.isEmpty { Self.sink(&heap, 0) }
        }
    }

    private static func sink(_ heap: inout [Run], _ start: Int) {
        var at = start
        while true {
            var least = at
            for child in [2 * at + 1, 2 * at + 2] where child < heap.count && heap[child].key < heap[least].key {
                least = child
            }
            guard least != at else { return }
            heap.swapAt(at, least)
            at = least
        }
    }

    /// Reads one run through a buffer.
    private final class Run {
        private let descriptor: Int32
        private var rest: Range<UInt64>
        private var buffer: [UInt8] = []
        private var line = 0..<0
        private(set) var key = TimeKey(time: 0, sequence: 0, isSelected: false)

        init(_ descriptor: Int32, _ range: Range<UInt64>) {
            self.descriptor = descriptor
            rest = range
        }

        func withLine(_ body: (UnsafeRawBufferPointer) -> Bool) -> Bool {
            buffer.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[line])) }
        }

        /// Reads the next line; false at the end of the run.
        func advance() throws(LogSearchError) -> Bool {
            let from = line.upperBound
            if buffer.count - from < SpillFile.headSize, rest.isEmpty { return false }
            try fill(from, SpillFile.headSize)
            let (time, sequence, length) = buffer.withUnsafeBytes {
                let at = line.upperBound
                return (
                    Int64(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: Int64.self)),
                    UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self)),
                    UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: at + 16, as: UInt32.self))
                )
            }
            key = TimeKey(time: time, sequence: sequence, isSelected: length >> 31 == 1)
            let count = Int(length & (1 << 31 - 1))
            try fill(line.upperBound, SpillFile.headSize + count)
            let start = line.upperBound + SpillFile.headSize
            line = start..<start + count
            return true
        }

        /// Ensures that `count` bytes from `from` on are in the buffer, which then begins with them; `line` ends there.
        private func fill(_ from: Int, _ count: Int) throws(LogSearchError) {
            guard buffer.count - from < count else { return }
            buffer.removeSubrange(..<from)
            line = 0..<0
            let wanted = max(count - buffer.count, SpillFile.bufferSize)
            let size = Int(min(UInt64(wanted), rest.upperBound - rest.lowerBound))
            let old = buffer.count
            buffer.append(contentsOf: repeatElement(0, count: size))
            var at = 0
            while at < size {
                let got = buffer.withUnsafeMutableBytes {
                    pread(
                        descriptor, $0.baseAddress.map { $0 + old + at }, size - at, off_t(rest.lowerBound) + off_t(at))
                }
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    throw SpillFile.failure(got < 0 ? String(cString: strerror(errno)) : "the file became shorter")
                }
                at += got
            }
            rest = rest.lowerBound + UInt64(size)..<rest.upperBound
            guard buffer.count >= count else { throw SpillFile.failure("the file ends too early") }
        }
    }
}
