internal import Glibc

/// One day's file under `filters/`, mapped into memory.
final class FilterDay: @unchecked Sendable {
    // Unchecked: the mapping is only read.
    /// The file's name without its suffix: `2026-11-20`.
    let name: String
    private let bytes: UnsafeRawBufferPointer

    /// The location of a valid record.
    struct Place {
        var hash: UInt64
        var offset: Int
        var packBytes: UInt64
    }

    /// Maps a file; nil when it cannot be read, which is treated as missing.
    init?(folder: String, file: String, suffix: String) {
        let descriptor = open(folder + "/" + file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_size > 0 else { return nil }
        // Pages are loaded on access, and a search accesses only some of them.
        guard let memory = mmap(nil, Int(info.st_size), PROT_READ, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else { return nil }
        bytes = UnsafeRawBufferPointer(start: memory, count: Int(info.st_size))
        name = String(file.dropLast(suffix.utf8.count))
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

    var size: Int { bytes.count }

    /// The record at a known location.
    func row(_ place: Place) -> FilterRow? {
        FilterRow(UnsafeRawBufferPointer(rebasing: bytes[place.offset...]), isVerified: true)
    }

    private static let stretch = 8 << 20

    /// Calls `body` with every valid record, in file order.
    func forEachRow(_ body: (FilterRow, Place) -> Void) {
        var offset = 0
        var kept = 0
        while offset < bytes.count {
            if offset - kept >= Self.stretch {
                // Pages already read are released, so that memory does not grow with the number of packs.
                madvise(
                    UnsafeMutableRawPointer(mutating: bytes.baseAddress.map { $0 + kept }), Self.stretch, MADV_DONTNEED)
                kept += Self.stretch
            }
            guard let row = FilterRow(UnsafeRawBufferPointer(rebasing: bytes[offset...])) else {
                // A torn record: the next valid one begins at a multiple of 8.
                offset += 8
                continue
            }
            body(row, Place(hash: Self.key(row.path), offset: offset, packBytes: row.packBytes))
            offset += row.totalLength
        }
    }

    /// Hashes a path, eight bytes at a time. On a collision the number of packs differs from the catalog's, and the
    /// search then opens every pack.
    static func key(_ path: UnsafeRawBufferPointer) -> UInt64 {
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
}

/// The current records of a day: a later record replaces an earlier one of the same path, and a removal deletes it.
struct FilterDayTable {
    private(set) var places: [FilterDay.Place] = []
    /// Open addressing by hash: index + 1 of a place, 0 when free.
    private var slots = [UInt32](repeating: 0, count: 64)

    /// Adds a record that follows the earlier ones in the file, and returns the index of the one it replaces.
    mutating func take(_ place: FilterDay.Place) -> Int? {
        if places.count * 2 >= slots.count { grow() }
        let slot = slot(of: place.hash)
        let replaced = slots[slot] > 0 ? Int(slots[slot]) - 1 : nil
        places.append(place)
        slots[slot] = UInt32(places.count)
        if let replaced { places[replaced].packBytes = 0 }
        return replaced
    }

    /// The current record of a path, by the path's hash.
    func place(of hash: UInt64) -> FilterDay.Place? {
        let found = slots[slot(of: hash)]
        guard found > 0 else { return nil }
        let place = places[Int(found) - 1]
        return place.packBytes > 0 ? place : nil
    }

    /// The slot that holds a hash, or the free slot for it.
    private func slot(of hash: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] > 0, places[Int(slots[slot]) - 1].hash != hash { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private mutating func grow() {
        var larger = [UInt32](repeating: 0, count: slots.count * 4)
        for old in slots where old > 0 {
            var slot = Int(truncatingIfNeeded: places[Int(old) - 1].hash) & (larger.count - 1)
            while larger[slot] > 0 { slot = (slot + 1) & (larger.count - 1) }
            larger[slot] = old
        }
        slots = larger
    }
}
