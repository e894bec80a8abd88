internal import Glibc

/// The filters of all packs, side by side, mapped into memory: a search opens only packs that may match.
///
/// What is missing or damaged here costs time, never an answer: a pack without a sound record is opened and asked
/// itself.
public final class FilterIndex: @unchecked Sendable {
    // Unchecked: the mappings are only read, and everything else is set once in init.
    private let files: [UnsafeRawBufferPointer]
    /// All sound records in the order of the files; those that later ones replaced are nil.
    private var places: [Place?] = []
    /// Hashes of their paths.
    private var hashes: [UInt64] = []
    /// Open addressing over the hashes: index + 1 of a record, 0 where free.
    private var slots: [UInt32] = []
    /// Packs that have a record.
    public private(set) var packs = 0
    /// Sum of the sizes of those packs.
    public private(set) var packBytes: UInt64 = 0

    private struct Place {
        var file: Int32
        var offset: Int
    }

    /// The folder inside of a store.
    public static let folder = "filters"
    static let suffix = ".rows"

    /// Maps what lies under `filters/`. A file that cannot be read counts as missing.
    public init(store: String) {
        let folder = store + "/" + Self.folder
        files = Self.names(folder).compactMap { Self.map(folder + "/" + $0) }
        var sizes: [UInt64] = []
        for (index, file) in files.enumerated() { read(file, Int32(index), &sizes) }
        arrange(sizes)
    }

    deinit { for file in files { munmap(UnsafeMutableRawPointer(mutating: file.baseAddress), file.count) } }

    private static func names(_ folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(suffix) { names.append(name) }
        }
        return names.sorted()
    }

    private static func map(_ path: String) -> UnsafeRawBufferPointer? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_size > 0 else { return nil }
        guard let memory = mmap(nil, Int(info.st_size), PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0),
            memory != MAP_FAILED
        else { return nil }
        return UnsafeRawBufferPointer(start: memory, count: Int(info.st_size))
    }

    private func read(_ file: UnsafeRawBufferPointer, _ index: Int32, _ sizes: inout [UInt64]) {
        var offset = 0
        while offset < file.count {
            guard let row = FilterRow(UnsafeRawBufferPointer(rebasing: file[offset...])) else {
                // A torn record: the next sound one begins at a multiple of 8.
                offset += 8
                continue
            }
            places.append(Place(file: index, offset: offset))
            hashes.append(Self.key(row.path))
            sizes.append(row.packBytes)
            offset += row.totalLength
        }
    }

    /// Lets later records replace earlier ones of the same path.
    private func arrange(_ sizes: [UInt64]) {
        var capacity = 16
        while capacity < places.count * 2 { capacity *= 2 }
        slots = [UInt32](repeating: 0, count: capacity)
        for index in places.indices {
            let slot = slot(of: hashes[index])
            if slots[slot] > 0 { places[Int(slots[slot]) - 1] = nil }
            slots[slot] = UInt32(index + 1)
            if sizes[index] == 0 { places[index] = nil }
        }
        for index in places.indices where places[index] != nil {
            packs += 1
            packBytes += sizes[index]
        }
    }

    /// The slot that holds a hash, or the free one where it would go.
    private func slot(of hash: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] > 0, hashes[Int(slots[slot]) - 1] != hash { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    /// The index of the record of a path.
    private func index(of path: UnsafeRawBufferPointer) -> Int? {
        let found = slots[slot(of: Self.key(path))]
        return found > 0 ? Int(found) - 1 : nil
    }

    private func row(_ place: Place) -> FilterRow? {
        FilterRow(UnsafeRawBufferPointer(rebasing: files[Int(place.file)][place.offset...]), isVerified: true)
    }

    /// FNV-1a over eight bytes at a time with a final mix; the path itself is compared where it matters.
    private static func key(_ path: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var at = 0
        while at + 8 <= path.count {
            hash = (hash ^ path.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
            at += 8
        }
        while at < path.count {
            hash = (hash ^ UInt64(path[at])) &* 0x0000_0100_0000_01B3
            at += 1
        }
        return hash ^ (hash >> 32)
    }

    /// The record of a pack, if it is about the pack of that size.
    public func row(pack: String, packBytes: UInt64) -> FilterRow? {
        var pack = pack
        return pack.withUTF8 { bytes in
            let wanted = UnsafeRawBufferPointer(bytes)
            guard let place = index(of: wanted).flatMap({ places[$0] }), let row = row(place),
                row.packBytes == packBytes,
                row.path.elementsEqual(wanted)
            else { return nil }
            return row
        }
    }

    /// Packs of which at least one block may meet a query, by path, each with a flag for every block.
    public func candidates(_ query: BlockQuery) -> [(pack: String, flags: [Bool])] {
        // Reading the filters is bound by memory: every core helps.
        let workers = min(max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))), 16, places.count / 512 + 1)
        let share = (places.count + workers - 1) / workers
        let lock = Lock()
        let gathered = Gathered()
        let crew = Crew()
        for worker in 1..<max(workers, 1) {
            let range = min(worker * share, places.count)..<min((worker + 1) * share, places.count)
            crew.start { [self] in
                let found = candidates(query, in: range)
                lock.held { gathered.take(found, range) }
            }
        }
        let own = candidates(query, in: 0..<min(share, places.count))
        lock.held { gathered.take(own, 0..<min(share, places.count)) }
        crew.join()
        // What a thread that could not be started would have done.
        for worker in 1..<max(workers, 1) {
            let range = min(worker * share, places.count)..<min((worker + 1) * share, places.count)
            if !gathered.ranges.contains(range) { gathered.take(candidates(query, in: range), range) }
        }
        return gathered.found.sorted { $0.pack < $1.pack }
    }

    private final class Gathered: @unchecked Sendable {
        // Unchecked: used under a lock, and by one thread once the others have ended.
        var found: [(pack: String, flags: [Bool])] = []
        var ranges: [Range<Int>] = []

        func take(_ more: [(pack: String, flags: [Bool])], _ range: Range<Int>) {
            found += more
            ranges.append(range)
        }
    }

    private func candidates(_ query: BlockQuery, in range: Range<Int>) -> [(pack: String, flags: [Bool])] {
        var found: [(pack: String, flags: [Bool])] = []
        for index in range {
            guard let place = places[index], let row = row(place), let flags = row.candidates(query) else { continue }
            found.append((row.pathText, flags))
        }
        return found
    }
}
