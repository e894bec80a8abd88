internal import Bytes
internal import CFilter
internal import Pack

/// The bytes of an object that is being merged.
protocol SliceBytes {
    /// Its length in bytes.
    var size: UInt64 { get }
    /// Reads a range that lies within it.
    func read(_ range: Range<UInt64>) throws(BlockIndexError) -> [UInt8]
}

/// The packs and columns of slices, to be merged into one slice without those that are no longer a session's pack.
struct MergedColumns: SliceColumns {
    /// A run of columns of one input.
    fileprivate struct Run {
        var input: Int
        /// Index of the matrix in the input.
        var matrix: Int
        var start: Int
        var count: Int
    }

    /// The packs, in the order of their columns.
    private(set) var packs: [SlicePack] = []
    private var inputs: [(bytes: any SliceBytes, head: SliceHead)] = []
    private var runs: [UInt32: [Run]] = [:]
    private var known: Set<[UInt8]> = []
    /// The packs of the slice that was read last, until they are added.
    private var listed: [SliceDirectory.Pack] = []
    private let sealer: BlockSealer

    init() throws(BlockIndexError) {
        do throws(PackError) { sealer = try BlockSealer() } catch {
            throw BlockIndexError(code: .resources, message: error.description)
        }
    }

    /// Reads the head and the directory of a slice, whose packs are then ``pending``.
    ///
    /// - Throws: ``BlockIndexError`` when one of them is damaged or cannot be read: what the slice holds is not known, so it
    ///   must be kept. Nothing is pending then.
    mutating func read(_ bytes: any SliceBytes, key: String) throws(BlockIndexError) {
        let damage = BlockIndexError(code: .object, message: "the slice of filters is damaged", path: key)
        guard bytes.size >= UInt64(SliceFormat.trailerSize) else { throw damage }
        let end = try bytes.read(bytes.size - UInt64(SliceFormat.trailerSize)..<bytes.size)
        guard let trailer = end.withUnsafeBytes({ SliceTrailer($0, size: bytes.size) }),
            let head = trailer.decode(try bytes.read(trailer.head), size: bytes.size, sealer)
        else { throw damage }
        var found: [SliceDirectory.Pack] = []
        for chunk in head.chunks {
            let stored = try bytes.read(chunk.range)
            guard let packs = SliceDirectory.packs(stored, chunk, matrices: head.matrices.count, sealer) else {
                throw damage
            }
            found += packs
        }
        listed = found
        inputs.append((bytes, head))
    }

    /// The paths of the packs of the slice that was read last.
    var pending: [String] { listed.map { String(decoding: $0.path, as: UTF8.self) } }

    /// Adds the packs of the slice that was read last.
    ///
    /// - Parameter isCurrent: whether a pack of this path and size is still a session's pack.
    mutating func addPending(isCurrent: (String, UInt64) -> Bool) {
        guard let head = inputs.last?.head else { return }
        var next = [Int](repeating: 0, count: head.matrices.count)
        for pack in listed {
            let isKept =
                isCurrent(String(decoding: pack.path, as: UTF8.self), pack.packBytes)
                && known.insert(pack.path).inserted
            add(pack, head, &next, isKept: isKept)
        }
        listed = []
    }

    private mutating func add(_ pack: SliceDirectory.Pack, _ head: SliceHead, _ next: inout [Int], isKept: Bool) {
        var blocks: [SlicePack.Block] = []
        for block in pack.blocks ?? [] {
            guard let matrix = block.matrix else {
                blocks.append(SlicePack.Block(place: block.place, bits: 0))
                continue
            }
            let bits = head.matrices[matrix].bits
            if isKept { extend(bits, matrix, next[matrix]) }
            next[matrix] += 1
            blocks.append(SlicePack.Block(place: block.place, bits: bits))
        }
        guard isKept else { return }
        packs.append(
            SlicePack(
                path: pack.path, packBytes: pack.packBytes, footer: pack.footer,
                blocks: pack.blocks == nil ? nil : blocks))
    }

    private mutating func extend(_ bits: UInt32, _ matrix: Int, _ column: Int) {
        let input = inputs.count - 1
        let one = Run(input: input, matrix: matrix, start: column, count: 1)
        runs[bits, default: []].append(one, ifNotContinuing: { $0.input == input && $0.start + $0.count == column })
    }

    mutating func fill(
        _ rows: UnsafeMutablePointer<UInt64>, bits: UInt32, first: Int, words: Int
    ) throws(BlockIndexError) {
        let runs = runs[bits] ?? []
        var offset = 0
        var position = 0
        while position < runs.count {
            let input = runs[position].input
            let end = runs[position...].firstIndex { $0.input != input } ?? runs.count
            let some = runs[position..<end]
            let matrix = inputs[input].head.matrices[runs[position].matrix]
            let count = some.reduce(0) { $0 + $1.count }
            let range =
                matrix.range(ofRow: UInt32(first)).lowerBound..<matrix.range(ofRow: UInt32(first + 63)).upperBound
            let stored = try inputs[input].bytes.read(range)
            for row in 0..<64 {
                let part = stored[row * matrix.storedRow..<(row + 1) * matrix.storedRow]
                var source = ColumnSet(count: Int(matrix.columns), full: true)
                // Of a damaged part every bit is set: it excludes nothing.
                source.formIntersection(storedRow: Array(part), bits: bits, row: UInt32(first + row))
                var target = offset
                for run in some {
                    Self.copy(source.words, run.start, run.count, to: rows + row * words, target)
                    target += run.count
                }
            }
            offset += count
            position = end
        }
    }

    /// Copies bits from one place to another where all bits are 0.
    static func copy(
        _ source: [UInt64], _ start: Int, _ count: Int, to target: UnsafeMutablePointer<UInt64>, _ offset: Int
    ) {
        var done = 0
        while done < count {
            let from = start + done
            let to = offset + done
            let step = min(count - done, 64 - from % 64, 64 - to % 64)
            let mask: UInt64 = step == 64 ? .max : (1 << UInt64(step)) - 1
            let bits = source[from / 64] >> UInt64(from % 64) & mask
            target[to / 64] |= bits << UInt64(to % 64)
            done += step
        }
    }
}

extension Array where Element == MergedColumns.Run {
    /// Appends a run, or makes the last one longer if the run continues it.
    fileprivate mutating func append(_ run: Element, ifNotContinuing isContinued: (Element) -> Bool) {
        if let last, isContinued(last) {
            self[count - 1].count += run.count
        } else {
            append(run)
        }
    }
}
