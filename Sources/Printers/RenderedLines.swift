internal import CLogScan

/// The printed form of the lines of one block.
public struct RenderedLines: Sendable {
    /// The member's name, in the form in which lines have it.
    let name: [UInt8]
    /// The color of the name.
    let color: [UInt8]
    var bytes: [UInt8] = []
    /// In the common case, whole lines without color, escaping and context, instead of `bytes`.
    var plain: TextBuffer?
    /// Where each line ends in `bytes`; nil if all lines are written at once.
    private var ends: [Int]?

    init(name: [UInt8], color: [UInt8] = [], isWhole: Bool) {
        self.name = name
        self.color = color
        ends = isWhole ? nil : []
    }

    /// Notes that a line is complete.
    mutating func endLine() { ends?.append(bytes.count) }

    /// Writes the lines at these indices.
    func write<Output: SearchOutput>(_ lines: Range<Int>, to output: inout CheckedOutput<Output>) {
        if let plain { return output.write(plain.bytes) }
        guard ends != nil else { return output.write(bytes) }
        withBytes(of: lines) { output.write($0) }
    }

    /// Calls `body` with the printed form of the lines at these indices; not for lines that are written all at once.
    func withBytes(of lines: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard let ends, let end = lines.last.map({ ends[$0] }) else { return }
        let start = lines.lowerBound == 0 ? 0 : ends[lines.lowerBound - 1]
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    }
}

/// Builds text line by line in a growing buffer. Used by one thread at a time.
final class TextBuffer: @unchecked Sendable {
    // Unchecked: passed between threads together with its result.
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    init(capacity: Int) { memory = .allocate(byteCount: max(capacity, 4096), alignment: 16) }

    deinit { memory.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Appends name, number and colon, line and line feed.
    /// - Parameters:
    ///   - name: the name with its colon, or empty.
    ///   - number: 0 for none.
    @inline(__always)
    func append(_ name: UnsafeRawBufferPointer, _ number: UInt64, _ line: UnsafeRawBufferPointer) {
        let room = name.count + 21 + line.count + 1
        if memory.count - count < room { grow(room) }
        guard let base = memory.baseAddress else { return }
        count += logscan_put_line(base + count, name.baseAddress, name.count, number, line.baseAddress, line.count)
    }

    private func grow(_ room: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(memory.count * 2, count + room), alignment: 16)
        larger.copyMemory(from: bytes)
        memory.deallocate()
        memory = larger
    }
}
