import Printers

/// Gathers what a search prints into pieces for a response.
struct PipeOutput: SearchOutput {
    private let pipe: BytePipe
    private var buffer: [UInt8] = []

    init(_ pipe: BytePipe) { self.pipe = pipe }

    mutating func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        buffer.append(contentsOf: bytes)
        return buffer.count < BytePipe.pieceSize || flush()
    }

    mutating func flush() -> Bool {
        guard !buffer.isEmpty else { return !pipe.isAbandoned }
        let full = buffer
        buffer.removeAll(keepingCapacity: true)
        return full.withUnsafeBytes { pipe.write($0) }
    }
}

/// Gathers what a search prints, up to a number of bytes.
struct BoundedOutput: SearchOutput {
    private let most: Int
    private(set) var bytes: [UInt8] = []

    init(most: Int) { self.most = most }

    mutating func write(_ more: UnsafeRawBufferPointer) -> Bool {
        bytes.append(contentsOf: more.prefix(most - bytes.count))
        return bytes.count < most
    }

    mutating func flush() -> Bool { true }
}
