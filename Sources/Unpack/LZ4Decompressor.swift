/// Reads the LZ4 frame format in our own code: the format is small.
///
/// Source: "LZ4 Frame Format Description" 1.6.4 and "LZ4 Block Format Description". Header, block and content checksums
/// (XXH32) are verified.
final class LZ4Decompressor: Decompressor {
    private enum Part {
        case magic
        case skippableSize
        case skippable(Int)
        case descriptor
        case descriptorRest(Int)
        case blockSize
        case block(size: Int, isStored: Bool)
        case contentChecksum
        /// A block's content is being output.
        case output(from: Int, to: Int)
    }

    private static let history = 64 << 10

    private var part = Part.magic
    /// Bytes of the current part that have arrived.
    private var held: [UInt8] = []
    private var flags: UInt8 = 0
    private var largestBlock = 0
    /// The last bytes of earlier blocks, then the current block.
    private var window: [UInt8] = []
    private var past = 0
    private var checksum = XXH32()

    private var blocksAreLinked: Bool { flags & 0x20 == 0 }
    private var blocksHaveChecksums: Bool { flags & 0x10 != 0 }
    private var contentHasChecksum: Bool { flags & 0x04 != 0 }

    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecompressionStep {
        var step = DecompressionStep(consumed: 0, produced: 0, state: .running)
        while true {
            if case .output(let from, let to) = part {
                let count = min(to - from, output.count - step.produced)
                window.withUnsafeBytes { bytes in
                    UnsafeMutableRawBufferPointer(rebasing: output[step.produced...])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[from..<(from + count)]))
                }
                step.produced += count
                guard from + count == to else {
                    part = .output(from: from + count, to: to)
                    return step
                }
                past = blocksAreLinked ? to : 0
                part = .blockSize
                continue
            }
            if case .skippable(let left) = part {
                let count = min(left, input.count - step.consumed)
                step.consumed += count
                part = left == count ? .magic : .skippable(left - count)
                guard left == count else { return step }
                step.state = .ended
                return step
            }
            guard take(needed, from: input, &step.consumed) else { return step }
            let problem = advance()
            held.removeAll(keepingCapacity: true)
            if let problem { step.state = problem }
            if problem != nil { return step }
        }
    }

    /// The size of the current part in bytes.
    private var needed: Int {
        switch part {
        case .magic, .skippableSize, .blockSize, .contentChecksum: 4
        case .descriptor: 2
        case .descriptorRest(let count): count
        case .block(let size, _): size + (blocksHaveChecksums ? 4 : 0)
        case .skippable, .output: 0
        }
    }

    private func take(_ count: Int, from input: UnsafeRawBufferPointer, _ consumed: inout Int) -> Bool {
        let wanted = min(count - held.count, input.count - consumed)
        if wanted > 0 {
            held.append(contentsOf: input[consumed..<(consumed + wanted)])
            consumed += wanted
        }
        return held.count == count
    }

    private func number(at offset: Int = 0) -> UInt32 {
        held[offset..<(offset + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Processes a part that has arrived in full; a non-nil result ends the step.
    private func advance() -> DecompressionStep.State? {
        switch part {
        case .magic: return readMagic()
        case .skippableSize: part = .skippable(Int(number()))
        case .descriptor: return readDescriptor()
        case .descriptorRest: return checkDescriptor()
        case .blockSize: return readBlockSize()
        case .block(let size, let isStored): return readBlock(size, isStored: isStored)
        case .contentChecksum:
            part = .magic
            return number() == checksum.value ? .ended : .damaged("the checksum of an LZ4 frame does not match")
        case .skippable, .output: break
        }
        return nil
    }

    private func readMagic() -> DecompressionStep.State? {
        switch number() {
        case 0x184D_2204: part = .descriptor
        case 0x184D_2A50...0x184D_2A5F: part = .skippableSize
        default: return .damaged("not an LZ4 frame")
        }
        return nil
    }

    private func readDescriptor() -> DecompressionStep.State? {
        flags = held[0]
        let blockCode = Int(held[1] >> 4) & 7
        guard flags >> 6 == 1, flags & 2 == 0, held[1] & 0x8f == 0, blockCode >= 4 else {
            return .damaged("unsupported LZ4 header")
        }
        guard flags & 1 == 0 else { return .damaged("the LZ4 frame needs a dictionary") }
        largestBlock = 1 << (8 + 2 * blockCode)
        descriptor = held
        part = .descriptorRest(flags & 8 != 0 ? 9 : 1)
        return nil
    }

    private var descriptor: [UInt8] = []

    private func checkDescriptor() -> DecompressionStep.State? {
        var sum = XXH32()
        sum.update(descriptor + held.dropLast())
        guard UInt8(truncatingIfNeeded: sum.value >> 8) == held.last else {
            return .damaged("the checksum of an LZ4 header does not match")
        }
        let size = Self.history + largestBlock
        if window.count < size { window = [UInt8](repeating: 0, count: size) }
        past = 0
        checksum = XXH32()
        part = .blockSize
        return nil
    }

    private func readBlockSize() -> DecompressionStep.State? {
        let word = number()
        guard word != 0 else {
            guard contentHasChecksum else {
                part = .magic
                return .ended
            }
            part = .contentChecksum
            return nil
        }
        let size = Int(word & 0x7fff_ffff)
        guard size <= largestBlock else { return .damaged("an LZ4 block is larger than announced") }
        part = .block(size: size, isStored: word & 0x8000_0000 != 0)
        return nil
    }

    private func readBlock(_ size: Int, isStored: Bool) -> DecompressionStep.State? {
        if blocksHaveChecksums {
            var sum = XXH32()
            sum.update(held.prefix(size))
            guard sum.value == number(at: size) else { return .damaged("the checksum of an LZ4 block does not match") }
        }
        keepHistory()
        let start = past
        let end: Int?
        if isStored {
            for index in 0..<size { window[start + index] = held[index] }
            end = start + size
        } else {
            end = held.withUnsafeBytes { block in
                window.withUnsafeMutableBytes { window in
                    Self.decode(
                        UnsafeRawBufferPointer(rebasing: block[..<size]),
                        into: UnsafeMutableRawBufferPointer(rebasing: window[..<(start + largestBlock)]), at: start)
                }
            }
        }
        guard let end else { return .damaged("damaged LZ4 data") }
        if contentHasChecksum { checksum.update(window[start..<end]) }
        part = .output(from: start, to: end)
        return nil
    }

    /// Moves the bytes that later blocks may reference to the start of the window.
    private func keepHistory() {
        guard past > Self.history else { return }
        window.withUnsafeMutableBytes { bytes in
            let kept = UnsafeRawBufferPointer(rebasing: bytes[(past - Self.history)..<past])
            UnsafeMutableRawBufferPointer(rebasing: bytes[..<Self.history]).copyMemory(from: kept)
        }
        past = Self.history
    }

    /// Decodes a block after `start` bytes of history; returns the end of its content, or nil when it is damaged.
    private static func decode(
        _ block: UnsafeRawBufferPointer, into window: UnsafeMutableRawBufferPointer, at start: Int
    ) -> Int? {
        var from = 0
        var to = start
        func length(_ nibble: Int) -> Int? {
            var total = nibble
            guard nibble == 15 else { return total }
            while true {
                guard from < block.count else { return nil }
                let byte = Int(block[from])
                from += 1
                total += byte
                if byte < 255 { return total }
            }
        }
        while from < block.count {
            let token = Int(block[from])
            from += 1
            guard let literals = length(token >> 4), literals <= block.count - from, literals <= window.count - to
            else { return nil }
            UnsafeMutableRawBufferPointer(rebasing: window[to...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: block[from..<(from + literals)]))
            from += literals
            to += literals
            // The last sequence has no match.
            if from == block.count { return to }
            guard block.count - from >= 2 else { return nil }
            let distance = Int(block[from]) | Int(block[from + 1]) << 8
            from += 2
            guard let rest = length(token & 15), distance > 0, distance <= to, rest + 4 <= window.count - to else {
                return nil
            }
            // Byte by byte: a match may overlap its own output.
            for index in to..<(to + rest + 4) { window[index] = window[index - distance] }
            to += rest + 4
        }
        return nil
    }
}

/// The hash XXH32 with seed 0 (xxHash specification 0.1.1).
struct XXH32 {
    private static let primes: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D, 0x27D4_EB2F, 0x1656_67B1
    )
    private var lanes: [UInt32] = [
        primes.0 &+ primes.1, primes.1, 0, 0 &- primes.0,
    ]
    private var pending: [UInt8] = []
    private var total: UInt64 = 0

    /// Hashes more bytes.
    mutating func update(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            pending.append(byte)
            total &+= 1
            guard pending.count == 16 else { continue }
            for lane in 0..<4 { lanes[lane] = Self.round(lanes[lane], Self.word(pending, lane * 4)) }
            pending.removeAll(keepingCapacity: true)
        }
    }

    /// The hash of all bytes so far.
    var value: UInt32 {
        var hash: UInt32
        if total >= 16 {
            hash = rotated(lanes[0], 1) &+ rotated(lanes[1], 7) &+ rotated(lanes[2], 12) &+ rotated(lanes[3], 18)
        } else {
            hash = Self.primes.4
        }
        hash = hash &+ UInt32(truncatingIfNeeded: total)
        var at = 0
        while at + 4 <= pending.count {
            hash = rotated(hash &+ Self.word(pending, at) &* Self.primes.2, 17) &* Self.primes.3
            at += 4
        }
        for byte in pending[at...] { hash = rotated(hash &+ UInt32(byte) &* Self.primes.4, 11) &* Self.primes.0 }
        hash = (hash ^ hash >> 15) &* Self.primes.1
        hash = (hash ^ hash >> 13) &* Self.primes.2
        return hash ^ hash >> 16
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
    }

    private static func round(_ lane: UInt32, _ word: UInt32) -> UInt32 {
        let sum = lane &+ word &* primes.1
        return (sum << 13 | sum >> 19) &* primes.0
    }

    private func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
}
