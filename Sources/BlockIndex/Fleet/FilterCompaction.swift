internal import Files
internal import Glibc

/// Makes one object of filters of several.
public struct FilterCompaction {
    private let objects: any FilterObjects
    private let folder: String

    /// Creates a compaction.
    ///
    /// - Parameters:
    ///   - objects: where the objects are.
    ///   - folder: a folder on this machine with room for the inputs and the output of a step. What it writes there has no
    ///     name, and is gone when the process ends.
    public init(_ objects: any FilterObjects, folder: String) {
        self.objects = objects
        self.folder = folder
    }

    /// The result of a step.
    public struct Outcome: Sendable {
        /// The new object, which was written; nil if none of the packs is a session's pack any more.
        public var object: FilterObject?
        /// The inputs that it replaces.
        public var replaced: [FilterObject]
        /// Inputs that are damaged or could not be read: they stay, and the packs of damaged ones should be filtered again.
        public var failures: [(object: FilterObject, error: BlockIndexError)]
        /// Number of packs in the new object.
        public var packs: Int
    }

    /// Performs a step of a plan.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - maker: the machine's name among the harvesters.
    ///   - random: a number that no other object of this machine and millisecond has.
    ///   - current: returns which of some packs are sessions' packs now, and their sizes.
    /// - Throws: ``BlockIndexError`` when memory or room is short, or the new object cannot be written. Inputs and catalog
    ///   are as before.
    public func perform(
        _ step: CompactionPlan.Step, now: Int64, maker: String, random: UInt32,
        current: ([String]) throws -> [String: UInt64]
    ) throws -> Outcome {
        let key = FilterKey(level: step.level, time: now, maker: maker, random: random, day: step.day).description
        var outcome = Outcome(object: nil, replaced: [], failures: [], packs: 0)
        if step.level == .hour {
            var columns = SegmentColumns()
            try addSegments(step.inputs, to: &columns, &outcome, current)
            try write(&columns, columns.packs, step, key, &outcome)
        } else {
            var columns = try MergedColumns()
            try addSlices(step.inputs, to: &columns, &outcome, current)
            try write(&columns, columns.packs, step, key, &outcome)
        }
        return outcome
    }

    private func addSegments(
        _ inputs: [FilterObject], to columns: inout SegmentColumns, _ outcome: inout Outcome,
        _ current: ([String]) throws -> [String: UInt64]
    ) throws {
        for input in inputs {
            let segment: FilterSegment
            do throws(BlockIndexError) {
                guard let bytes = objects.read([ObjectRange(input.key, 0..<input.bytes)]).first else { continue }
                segment = try FilterSegment(try bytes.get(), key: input.key)
                guard segment.isWhole else {
                    throw BlockIndexError(code: .object, message: "a segment of filters is damaged", path: input.key)
                }
            } catch {
                outcome.failures.append((input, error))
                continue
            }
            var paths: [String] = []
            segment.forEachRow { if let row = $0 { paths.append(row.pathText) } }
            let sizes = try current(paths)
            columns.add(segment) { sizes[$0] == $1 }
            outcome.replaced.append(input)
        }
    }

    private func addSlices(
        _ inputs: [FilterObject], to columns: inout MergedColumns, _ outcome: inout Outcome,
        _ current: ([String]) throws -> [String: UInt64]
    ) throws {
        for input in inputs {
            do throws(BlockIndexError) {
                let file = try unnamedFile()
                try objects.copy(input.key, to: file.descriptor)
                let slice = try SliceFile(file, key: input.key)
                guard slice.size == input.bytes else {
                    throw BlockIndexError(code: .object, message: "the slice of filters is damaged", path: input.key)
                }
                try columns.read(slice, key: input.key)
            } catch {
                outcome.failures.append((input, error))
                continue
            }
            let sizes = try current(columns.pending)
            columns.addPending { sizes[$0] == $1 }
            outcome.replaced.append(input)
        }
    }

    private func write(
        _ columns: inout some SliceColumns, _ packs: [SlicePack], _ step: CompactionPlan.Step, _ key: String,
        _ outcome: inout Outcome
    ) throws(BlockIndexError) {
        outcome.packs = packs.count
        guard !packs.isEmpty else { return }
        let output = try unnamedFile()
        var writer = try SliceWriter(packs) { bytes throws(BlockIndexError) in
            do throws(FileFailure) { try output.write(bytes) } catch { throw Self.failure(error) }
        }
        let (size, blocks) = try writer.write(&columns)
        try objects.put(key, from: output.descriptor, size: size)
        outcome.object = FilterObject(key: key, day: step.day, level: step.level, blocks: blocks, bytes: size)
    }

    private func unnamedFile() throws(BlockIndexError) -> OpenFile {
        let name = folder + "/compaction-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        do throws(FileFailure) {
            let file = try OpenFile(name, O_RDWR | O_CREAT | O_EXCL)
            unlink(name)
            return file
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ failure: FileFailure) -> BlockIndexError {
        BlockIndexError(
            code: .resources, message: "filters cannot be compacted: \(failure)",
            path: failure.path.isEmpty ? nil : failure.path, hint: "free space in the folder of the store's cache")
    }
}

/// A slice in a local file.
struct SliceFile: SliceBytes {
    let size: UInt64
    private let file: OpenFile
    private let key: String

    init(_ file: OpenFile, key: String) throws(BlockIndexError) {
        self.file = file
        self.key = key
        do throws(FileFailure) { size = try file.size } catch {
            throw BlockIndexError(code: .resources, message: "\(error)", path: key)
        }
    }

    func read(_ range: Range<UInt64>) throws(BlockIndexError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(FileFailure) { bytes = try file.read(at: range.lowerBound, count: range.count) } catch {
            throw BlockIndexError(code: .resources, message: "\(error)", path: key)
        }
        guard bytes.count == range.count else {
            throw BlockIndexError(code: .object, message: "the slice of filters is damaged", path: key)
        }
        return bytes
    }
}
