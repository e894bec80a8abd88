import Bytes
import Files
import Glibc
import Model
import Pack
import Synchronization
import Testing

@testable import PackHome

/// Copies of packs: right or not used, bounded, shared by processes.
@Suite struct CachedPackHomeTests {
    private static let path = "packs/2026/11/20/s-1.1.deadbeef.pack"
    let scratch: Scratch
    let home: CountingHome
    private var folder: String { scratch.file("local/cache/packs") }

    init() throws {
        scratch = try Scratch()
        home = CountingHome(store: scratch.store)
        try Folders.make(scratch.file("local"))
    }

    /// The copies as a process finds them that has just started.
    private func cached(most: UInt64 = 64 << 20, part: Int = 64 << 10, reserve: UInt64 = 0) -> CachedPackHome {
        CachedPackHome(home, local: scratch.file("local"), most: most, part: part, reserve: reserve)
    }

    private func publish(_ path: String = path, lines: Int = 30_000) throws -> [UInt8] {
        let file = try scratch.pack("s-1 \(path)", lines: lines)
        let content = try OpenFile(file, O_RDONLY).rest(limit: 1 << 30)
        try home.publish(file, as: path)
        return content
    }

    private func whole(_ home: any PackHome, _ path: String = path) throws -> [UInt8] {
        let bytes = try home.bytes(of: path)
        return try bytes.read([0..<bytes.size])[0]
    }

    private func content(_ pack: LocalPack) throws -> [UInt8] {
        try withExtendedLifetime(pack) {
            try Descriptor.read(pack.descriptor, at: 0, count: Int(Descriptor.size(pack.descriptor)))
        }
    }

    /// The paths of the copies' files.
    private func files() throws -> [String] {
        let top = try OpenFolder(path: folder)
        return try top.entries().filter { $0.kind == .folder }.flatMap { entry in
            try top.folder(entry).names().compactMap(\.text).map { "\(folder)/\(entry.name)/\($0)" }
        }
    }

    private func total() throws -> UInt64 {
        try files().reduce(0) { try $0 + OpenFile($1, O_RDONLY).size }
    }

    // MARK: Right

    @Test(arguments: [512, 4096, 64 << 10]) func whatWasReadOnceIsReadAgainWithoutTheHome(part: Int) throws {
        let content = try publish()
        try #require(content.count > 3 * PackBytes.endSize)
        let first = cached(part: part)
        #expect(try whole(first) == content)
        #expect(first.counts.misses > 1 && first.counts.missBytes >= UInt64(content.count) && first.counts.hits == 0)
        let (opened, read) = (home.opened, home.read)
        let second = cached(part: part)
        #expect(try whole(second) == content)
        let reader = try second.reader(for: Self.path)
        #expect(try reader.session().session == "s-1 \(Self.path)")
        #expect(reader.verify().isSound)
        #expect(home.opened == opened && home.read == read)
        #expect(second.counts.misses == 0 && second.counts.hitBytes >= UInt64(content.count))
        #expect(second.counts.dropped == 0 && second.counts.refused == 0)
        // Whether packs are sound is asked of the home, not of copies.
        #expect(second.verify(Self.path).isSound && home.opened > opened)
    }

    @Test func rangesAreExactAndMissesAreReadAtOnce() throws {
        let content = try publish()
        var random = SplitMix64(seed: 9)
        for part in [512, 1000, 64 << 10] {
            try Folders.removeTree(folder)
            let bytes = try cached(part: part).bytes(of: Self.path)
            for _ in 0..<60 {
                let ranges = (0..<8).map { _ in
                    let start = UInt64.random(in: 0...bytes.size, using: &random)
                    return start..<UInt64.random(in: start...min(bytes.size, start + 5000), using: &random)
                }
                let read = home.read
                let found = try bytes.read(ranges)
                #expect(found == ranges.map { Array(content[Int($0.lowerBound)..<Int($0.upperBound)]) })
                #expect(home.read <= read + 1, "misses of one call are read together")
            }
        }
    }

    @Test func aDamagedCopyIsDroppedAndNeverRead() throws {
        let content = try publish()
        var random = SplitMix64(seed: 77)
        for round in 0..<40 {
            #expect(try whole(cached()) == content)
            _ = try cached().localCopy(of: Self.path)
            for path in try files() {
                var bytes = try OpenFile(path, O_RDONLY).rest(limit: 1 << 30)
                switch round % 5 {
                case 0:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
                        1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
                case 2: bytes = []
                // What a power cut leaves of a file that was not synced.
                case 3: for index in (bytes.count / 2)..<bytes.count { bytes[index] = 0 }
                default: bytes.append(0)
                }
                let file = try OpenFile(path, O_WRONLY | O_TRUNC)
                try file.write(bytes)
            }
            let after = cached()
            #expect(try whole(after) == content, "round \(round)")
            #expect(try self.content(after.localCopy(of: Self.path)) == content, "round \(round)")
            #expect(after.counts.dropped > 0, "round \(round)")
        }
    }

    @Test func aCopyOfAnotherPackOrPartIsNotUsed() throws {
        let other = "packs/2026/11/20/s-2.1.deadbeef.pack"
        let contents = [try publish(), try publish(other, lines: 31_000)]
        #expect(try [whole(cached()), whole(cached(), other)] == contents)
        // All files change places: their checksums stay right.
        let all = try files()
        let bytes = try all.map { try OpenFile($0, O_RDONLY).rest(limit: 1 << 30) }
        for (path, bytes) in zip(all, bytes.dropFirst() + bytes.prefix(1)) {
            try OpenFile(path, O_WRONLY | O_TRUNC).write(bytes)
        }
        #expect(try [whole(cached()), whole(cached(), other)] == contents)
    }

    @Test func aPackThatTookThePathIsSeenWhereThatMayHappen() throws {
        let folder = FolderPackHome(store: scratch.store)
        let path = "packs/2026/11/20/s-1.pack"
        for round in 0..<20 {
            // A new file often gets the inode of one that was removed.
            try folder.publish(try scratch.pack("s-1", lines: 20_000 + round % 2), as: path)
            let expected = try whole(folder, path)
            let cached = CachedPackHome(folder, local: scratch.file("local"), most: 64 << 20, reserve: 0)
            #expect(try whole(cached, path) == expected && whole(cached, path) == expected)
            #expect(try content(cached.localCopy(of: path)) == expected)
            #expect(try content(cached.localCopy(of: path)) == expected)
        }
    }

    @Test func aPackThatWasReplacedAgainstTheRuleIsAnErrorAndThenRead() throws {
        let content = try publish()
        let bytes = try cached().bytes(of: Self.path)
        _ = try bytes.read([0..<10])
        try home.folder.publish(try scratch.pack("other", lines: 40_000), as: Self.path)
        let reopened = try cached().bytes(of: Self.path)
        #expect(reopened.size == UInt64(content.count), "opened from the copy of its end")
        let error = #expect(throws: PackError.self) { try reopened.read([70_000..<70_010]) }
        #expect(error?.errno == ESTALE && error?.isAbsence == false)
        #expect(try cached().reader(for: Self.path).session().session == "other")
    }

    @Test func aPackThatIsGoneIsAbsentOnceItsCopiesAre() throws {
        _ = try publish()
        let copies = cached()
        _ = try whole(copies)
        try copies.remove(Self.path)
        #expect(try files().isEmpty)
        let error = #expect(throws: PackError.self) { try copies.bytes(of: Self.path) }
        #expect(error?.isAbsence == true && copies.presence(of: Self.path) == .absent)
    }

    @Test func wholePacksAreCopiedOnce() throws {
        let content = try publish()
        let first = cached()
        #expect(try self.content(first.localCopy(of: Self.path)) == content)
        let opened = home.opened
        let second = cached()
        let copy = try second.localCopy(of: Self.path)
        #expect(try self.content(copy) == content && home.opened == opened && second.counts.hits == 1)
        #expect(try copy.identity == home.folder.localCopy(of: Self.path).identity)
        // What is open stays readable when it is evicted.
        try Folders.removeTree(folder)
        #expect(try self.content(copy) == content)
        // The process that gets the descriptor must not be able to change the copy.
        withExtendedLifetime(copy) { #expect(write(copy.descriptor, "x", 1) == -1 && errno == EBADF) }
    }

    // MARK: Bounded

    @Test func theBoundIsKept() throws {
        let most: UInt64 = 4 << 20
        var expected: [String: [UInt8]] = [:]
        for number in 0..<24 {
            let path = "packs/2026/11/20/s-\(number).1.00000001.pack"
            expected[path] = try publish(path, lines: 30_000 + number)
        }
        let sum = expected.values.reduce(0) { $0 + UInt64($1.count) }
        try #require(sum > most * 3 / 2)
        var evicted: UInt64 = 0
        for _ in 0..<2 {
            for (path, content) in expected {
                // Each a process of its own, which writes too little to notice the bound alone.
                let copies = cached(most: most)
                #expect(try whole(copies, path) == content)
                _ = try copies.localCopy(of: path)
                #expect(try total() <= most)
                evicted += copies.counts.evicted
            }
        }
        #expect(evicted > 0)
        #expect(try total() > most / 4, "it is used")
        #expect(try files().allSatisfy { !$0.contains(CacheEviction.unfinished) })
    }

    @Test func whatWasNotUsedForLongestGoesFirst() throws {
        let paths = (1...2).map { "packs/2026/11/20/s-\($0).1.00000001.pack" }
        for path in paths { _ = try publish(path) }
        let copies = cached(most: 4 << 20)
        for path in paths { _ = try whole(copies, path) }
        for (number, path) in paths.enumerated() {
            let stem = CacheKey(path).stem
            for file in try files() where file.contains(stem) {
                let stamp = timespec(tv_sec: time(nil) - 7200 + number * 600, tv_nsec: 0)
                utimensat(AT_FDCWD, file, [stamp, stamp], 0)
            }
        }
        // The older one is used, the other is not.
        _ = try whole(copies, paths[0])
        let opened = home.opened
        var number = 10
        while copies.counts.evicted == 0 {
            let path = "packs/2026/11/20/s-\(number).1.00000001.pack"
            _ = try publish(path)
            _ = try whole(copies, path)
            number += 1
            try #require(number < 100)
        }
        #expect(home.opened > opened)
        let kept = try files()
        #expect(kept.contains { $0.contains(CacheKey(paths[0]).stem) })
        #expect(
            kept.count { $0.contains(CacheKey(paths[1]).stem) } < kept.count { $0.contains(CacheKey(paths[0]).stem) })
    }

    @Test func whatAKilledProcessLeftGoesAndThatOfALivingStays() throws {
        _ = try publish()
        _ = try whole(cached())
        let shard = Folders.split(try #require(try files().first)).folder
        let left = [
            "\(shard)/\(CacheEviction.unfinished)\(try deadProcess()).1", "\(shard)/\(CacheEviction.unfinished)x",
            "\(shard)/\(CacheEviction.unfinished)\(getpid()).99",
        ]
        for path in left { try Replacement.write([1], to: path) }
        let copies = cached()
        copies.removeUnfinished(writtenIn: try OpenFolder(path: scratch.store))
        #expect(try files().filter { $0.contains(CacheEviction.unfinished) } == [left[2]])
        let read = home.read
        _ = try whole(copies)
        #expect(home.read == read, "copies stay")
    }

    @Test func withoutRoomOrFolderPacksAreReadWithoutCopies() throws {
        let content = try publish()
        let full = cached(reserve: .max)
        #expect(try whole(full) == content && whole(full) == content)
        #expect(try self.content(full.localCopy(of: Self.path)) == content)
        #expect(full.counts.hits == 0 && full.counts.refused > 0)
        #expect(try files().isEmpty)
        let none = CachedPackHome(home, local: scratch.file("unmounted"), most: 1 << 30, reserve: 0)
        #expect(try whole(none) == content && none.counts.refused > 0)
        #expect(!scratch.exists("unmounted"))
        let tiny = cached(most: 1000)
        #expect(try whole(tiny) == content && self.content(tiny.localCopy(of: Self.path)) == content)
        #expect(try files().isEmpty)
    }

    @Test func severalReadersShareTheCopies() throws {
        var expected: [String: [UInt8]] = [:]
        for number in 0..<6 {
            let path = "packs/2026/11/20/s-\(number).1.00000001.pack"
            expected[path] = try publish(path, lines: 25_000 + number)
        }
        let wrong = Mutex<[String]>([])
        let threads = (0..<4).map { seed in
            // Each with copies of its own, as processes have, too few for all packs.
            let copies = cached(most: 4 << 20, part: 8 << 10)
            return ThreadOfTest { [expected] in
                var random = SplitMix64(seed: UInt64(seed))
                for _ in 0..<60 {
                    guard let (path, content) = expected.randomElement(using: &random) else { return }
                    do {
                        let bytes = try copies.bytes(of: path)
                        let start = Int.random(in: 0..<content.count, using: &random)
                        let range = start..<min(content.count, start + 100_000)
                        let found = try bytes.read([UInt64(range.lowerBound)..<UInt64(range.upperBound)])[0]
                        if found != Array(content[range]) { wrong.withLock { $0.append("\(path) \(range)") } }
                    } catch {
                        wrong.withLock { $0.append("\(path): \(error)") }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(wrong.withLock { $0 } == [])
    }
}
