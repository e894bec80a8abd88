internal import Bytes
internal import Pack

/// One query over slices: heads, then densities of wide matrices, then rows, then the parts of the directory with
/// candidates; each as one round of parallel requests.
struct SliceSearch {
    /// A slice whose head was read.
    struct Open {
        let object: FilterObject
        let head: SliceHead
        var densities: [Int: [UInt8]] = [:]
        /// For each matrix, the columns that may match.
        var columns: [ColumnSet] = []
    }

    private let query: ProbeTree
    private let probes: [FilterProbe]
    private let includesBinary: Bool
    private let objects: any FilterObjects
    private let sealer: BlockSealer
    private(set) var findings = FilterFindings()

    /// Rows this near to each other are read together.
    private static let gap: UInt64 = 4 << 10
    /// Most bytes of rows that are held at once.
    private static let mostBytes = 64 << 20

    init(_ query: ProbeTree, includesBinary: Bool, _ objects: any FilterObjects) throws(BlockIndexError) {
        self.query = query
        probes = query.probes
        self.includesBinary = includesBinary
        self.objects = objects
        do throws(PackError) { sealer = try BlockSealer() } catch {
            throw BlockIndexError(code: .resources, message: error.description)
        }
    }

    /// Adds what slices say to the findings.
    mutating func search(_ slices: [FilterObject]) {
        var open = heads(slices)
        readDensities(&open)
        readRows(&open)
        readDirectories(open)
    }

    /// Lists all packs of slices.
    mutating func allPacks(_ slices: [FilterObject]) {
        let open = heads(slices).map { slice in
            var slice = slice
            slice.columns = slice.head.matrices.map { ColumnSet(count: Int($0.columns), full: true) }
            return slice
        }
        readDirectories(open, all: true)
    }

    private mutating func read(_ ranges: [ObjectRange], gap: UInt64) -> [Result<[UInt8], BlockIndexError>] {
        findings.bytesRead += ranges.reduce(0) { $0 + UInt64($1.range.count) }
        return ranges.isEmpty ? [] : objects.read(ranges, joiningGapsOf: gap)
    }

    private mutating func fail(_ object: FilterObject, _ error: BlockIndexError? = nil) {
        let error =
            error ?? BlockIndexError(code: .object, message: "the slice of filters is damaged", path: object.key)
        findings.failures.append((object, error))
    }

    // MARK: Heads

    private mutating func heads(_ slices: [FilterObject]) -> [Open] {
        let ends = read(
            slices.map { ObjectRange($0.key, $0.bytes - min($0.bytes, SliceFormat.endSize)..<$0.bytes) }, gap: 0)
        var found: [(FilterObject, SliceTrailer, [UInt8]?)] = []
        for (slice, end) in zip(slices, ends) {
            switch end {
            case .failure(let error): fail(slice, error)
            case .success(let bytes):
                let trailer = bytes.withUnsafeBytes {
                    SliceTrailer(
                        UnsafeRawBufferPointer(rebasing: $0.suffix(SliceFormat.trailerSize)), size: slice.bytes)
                }
                guard let trailer else {
                    fail(slice)
                    continue
                }
                let first = slice.bytes - UInt64(bytes.count)
                let isWhole = trailer.head.lowerBound >= first
                found.append(
                    (
                        slice, trailer,
                        isWhole ? Array(bytes[Int(trailer.head.lowerBound - first)...].prefix(trailer.head.count)) : nil
                    ))
            }
        }
        let rest = found.filter { $0.2 == nil }
        var larger = read(rest.map { ObjectRange($0.0.key, $0.1.head) }, gap: 0)[...]
        var open: [Open] = []
        for (slice, trailer, bytes) in found {
            var stored = bytes
            if stored == nil, let next = larger.popFirst() {
                switch next {
                case .failure(let error):
                    fail(slice, error)
                    continue
                case .success(let bytes): stored = bytes
                }
            }
            if let stored, let head = trailer.decode(stored, size: slice.bytes, sealer) {
                open.append(Open(object: slice, head: head))
            } else {
                fail(slice)
            }
        }
        return open
    }

    // MARK: Rows

    /// Reads which rows are rare, where that is less than the rows that it saves.
    private mutating func readDensities(_ open: inout [Open]) {
        var wanted: [(slice: Int, matrix: Int, range: ObjectRange)] = []
        for (index, slice) in open.enumerated() {
            for (number, matrix) in slice.head.matrices.enumerated()
            where matrix.storedRow * RowChoice.most / 2 * min(probes.count, 8) > matrix.storedDensities {
                wanted.append((index, number, ObjectRange(slice.object.key, matrix.rangeOfDensities)))
            }
        }
        for (place, found) in zip(wanted, read(wanted.map(\.range), gap: 0)) {
            // Without them, other rows are read.
            guard case .success(let stored) = found else { continue }
            let bits = open[place.slice].head.matrices[place.matrix].bits
            var densities: [UInt8] = []
            var isSound = true
            stored.withUnsafeBytes {
                SliceFormat.forEachPiece(of: $0, bits: bits, row: SliceFormat.densityRow) { part, _, _ in
                    if let part { densities += part } else { isSound = false }
                }
            }
            if isSound { open[place.slice].densities[place.matrix] = densities }
        }
    }

    private mutating func readRows(_ open: inout [Open]) {
        var start = 0
        while start < open.count {
            var end = start
            var size = 0
            while end < open.count, end == start || size < Self.mostBytes {
                size += open[end].head.matrices.reduce(0) { $0 + $1.storedRow * RowChoice.most * probes.count }
                end += 1
            }
            readRows(&open, start..<end)
            start = end
        }
    }

    private mutating func readRows(_ open: inout [Open], _ slices: Range<Int>) {
        let choice = RowChoice(probes: probes.count)
        // For each slice, matrix and literal: the rows, or nil if no column can have it.
        var chosen: [[[[UInt32]?]]] = []
        var wanted: [ObjectRange: Int] = [:]
        var ranges: [ObjectRange] = []
        for slice in open[slices] {
            chosen.append(
                slice.head.matrices.enumerated().map { number, matrix in
                    probes.map { probe in
                        let rows = choice.rows(probe, in: matrix, densities: slice.densities[number])
                        for row in rows ?? [] {
                            let range = ObjectRange(slice.object.key, matrix.range(ofRow: row))
                            guard wanted[range] == nil else { continue }
                            wanted[range] = ranges.count
                            ranges.append(range)
                        }
                        return rows
                    }
                })
        }
        let found = read(ranges, gap: Self.gap)
        for (index, slice) in zip(slices, open[slices]) {
            open[index].columns = slice.head.matrices.enumerated().map { number, matrix in
                let count = Int(matrix.columns)
                var sets: [FilterProbe: ColumnSet] = [:]
                for (probe, rows) in zip(probes, chosen[index - slices.lowerBound][number]) {
                    var set = ColumnSet(count: count, full: rows != nil)
                    for row in rows ?? [] {
                        let place = wanted[ObjectRange(slice.object.key, matrix.range(ofRow: row))]
                        // A row that cannot be read excludes nothing.
                        guard let place, case .success(let stored) = found[place] else { continue }
                        set.formIntersection(storedRow: stored, bits: matrix.bits, row: row)
                    }
                    sets[probe] = set
                }
                return query.columns(count: count) { sets[$0] ?? ColumnSet(count: count, full: true) }
            }
        }
    }

    // MARK: Directories

    private mutating func readDirectories(_ open: [Open], all: Bool = false) {
        var wanted: [(slice: Int, chunk: Int, first: [Int], range: ObjectRange)] = []
        for (index, slice) in open.enumerated() {
            for (number, (chunk, first)) in zip(slice.head.chunks, slice.head.firstColumns).enumerated() {
                let isOpen = all || chunk.open > 0 || (includesBinary && chunk.openBinary > 0)
                let hasAny = chunk.columns.indices.contains { matrix in
                    slice.columns[matrix].hasAny(in: first[matrix]..<first[matrix] + Int(chunk.columns[matrix]))
                }
                guard isOpen || hasAny else { continue }
                wanted.append((index, number, first, ObjectRange(slice.object.key, chunk.range)))
            }
        }
        for (place, found) in zip(wanted, read(wanted.map(\.range), gap: Self.gap)) {
            let slice = open[place.slice]
            let chunk = slice.head.chunks[place.chunk]
            switch found {
            case .failure(let error): fail(slice.object, error)
            case .success(let stored):
                guard let packs = SliceDirectory.packs(stored, chunk, matrices: slice.head.matrices.count, sealer)
                else {
                    fail(slice.object)
                    continue
                }
                add(packs, slice.columns, place.first, all: all)
            }
        }
    }

    private mutating func add(_ packs: [SliceDirectory.Pack], _ columns: [ColumnSet], _ first: [Int], all: Bool) {
        var next = first
        for pack in packs {
            let path = String(decoding: pack.path, as: UTF8.self)
            guard let blocks = pack.blocks else {
                findings.candidates.append(FilterCandidate(pack: path, bytes: pack.packBytes, flags: nil, places: nil))
                continue
            }
            var flags = [Bool](repeating: false, count: blocks.count)
            var isCandidate = all
            for (index, block) in blocks.enumerated() {
                if let matrix = block.matrix {
                    flags[index] = columns[matrix].contains(next[matrix])
                    next[matrix] += 1
                } else {
                    flags[index] = block.place.isText || includesBinary
                }
                isCandidate = isCandidate || flags[index]
            }
            guard isCandidate else { continue }
            let places = PackPlaces(footer: pack.footer, blocks: blocks.map(\.place))
            let isValid = places.isValid(packBytes: pack.packBytes)
            findings.candidates.append(
                FilterCandidate(pack: path, bytes: pack.packBytes, flags: flags, places: isValid ? places : nil))
        }
    }
}
