import BlockIndex
import Files
import Foundation
import Model
import Pack
import PackHome
import Synchronization
import Testing

@testable import LogSearch

/// A feed of packs that are read by ranges finds what a feed of files finds, in few requests.
@Suite struct BucketFeedTests {
    /// A home whose packs are read by ranges, and which counts the rounds.
    private struct RemoteHome: PackHome {
        let folder: FolderPackHome
        let requests = Requests()

        final class Requests: Sendable {
            private let counts = Mutex((rounds: 0, bytes: 0))
            var rounds: Int { counts.withLock { $0.rounds } }
            var bytes: Int { counts.withLock { $0.bytes } }

            func add(_ bytes: Int) {
                counts.withLock {
                    $0.rounds += 1
                    $0.bytes += bytes
                }
            }
        }

        private struct Ranges: RangeReader {
            let bytes: PackBytes
            let requests: Requests
            var identity: PackIdentity? { nil }

            func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) {
                requests.add(count)
                return try bytes.ranges.end(count)
            }

            func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
                requests.add(buffer.count)
                return try bytes.ranges.read(at: offset, into: buffer)
            }

            func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
                requests.add(ranges.reduce(0) { $0 + $1.count })
                return try bytes.ranges.read(ranges)
            }
        }

        var location: String { folder.location }
        var reusesPaths: Bool { false }
        func list() -> PackListing { folder.list() }
        func presence(of path: String) -> PackPresence { folder.presence(of: path) }
        func paths(of session: String, from first: String?) throws(PackError) -> [String] {
            try folder.paths(of: session, from: first)
        }
        func bytes(of path: String) throws(PackError) -> PackBytes {
            try PackBytes(Ranges(bytes: folder.bytes(of: path), requests: requests), path: path)
        }
        func ranges(
            of path: String, size: UInt64, identity: PackIdentity?
        ) throws(PackError) -> any RangeReader { Ranges(bytes: try folder.bytes(of: path), requests: requests) }
        func localCopy(of path: String) throws(PackError) -> LocalPack { try folder.localCopy(of: path) }
        func prepare(_ path: String) throws(PackError) { try folder.prepare(path) }
        func publish(_ file: String, as path: String) throws(PackError) { try folder.publish(file, as: path) }
        func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval {
            try folder.remove(path, ifStill: identity)
        }
        func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String {
            try folder.setAside(pack, at: path, keepsPath: keepsPath)
        }
        func removeUnfinished(writtenIn folder: OpenFolder) { self.folder.removeUnfinished(writtenIn: folder) }
    }

    private static func pack(_ number: Int, lines: Int, in folder: String) throws -> (path: String, size: UInt64) {
        let path = "packs/2026/11/20/s\(number).pack"
        try FileManager.default.createDirectory(atPath: folder + "/packs/2026/11/20", withIntermediateDirectories: true)
        let descriptor = try PackFile.create(path: folder + "/" + path)
        defer { close(descriptor) }
        var options = PackOptions(workers: 0)
        options.filtersAside = true
        let writer = try PackWriter(descriptor: descriptor, options: options, inspector: nil)
        try writer.beginMember(MemberHeader(path: Array("a.log".utf8), kind: .log))
        let text = (0..<lines).map { "line \($0) of \(number): \($0 &* 2_654_435_761 % 1_000_003)\n" }.joined()
        try Array((text + "needle in \(number)\n").utf8).withUnsafeBytes { try writer.append($0) }
        _ = try writer.endMember()
        _ = try writer.finish(session: SessionMetadata(session: "s\(number)", image: "i"), artifacts: [])
        return (path, try PackReader.open(path: folder + "/" + path).fileSize)
    }

    private static func search(_ feed: PackFeed, _ pattern: String) throws -> (text: String, problems: [String]) {
        let (text, report) = try printed(
            try SearchPattern(PatternOptions([pattern])), { _ in }, nextSource: { feed.next() })
        return (String(decoding: text, as: UTF8.self), report.problems + feed.problems)
    }

    @Test(arguments: [false, true]) func rangesGiveWhatFilesGive(knowsPlaces: Bool) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let packs = try (0..<30).map { try Self.pack($0, lines: $0 % 7 == 0 ? 60_000 : 900, in: folder) }
            .sorted { $0.path < $1.path }
        let files = FolderPackHome(store: folder)
        let remote = RemoteHome(folder: files)
        let entries = packs.map { PackFeed.Entry(pack: $0.path, bytes: $0.size, label: Self.label($0.path)) }
        let options = SearchOptions()
        let expected = try Self.search(
            PackFeed(
                home: files, entries: entries, index: nil, query: .literal(Array("needle".utf8)), options: options),
            "needle in .*[05]")
        var next = entries.makeIterator()
        let feed = PackFeed(home: remote, options: options) {
            next.next().map { entry in
                var pack = BucketPack(pack: entry.pack, bytes: entry.bytes, label: Self.label(entry.pack))
                if knowsPlaces, let reader = try? files.reader(for: entry.pack) {
                    let flags = reader.blocks.indices.map { $0 == reader.blocks.count - 1 }
                    pack.flags = flags
                    pack.ranges =
                        FilterCandidate(
                            pack: entry.pack, bytes: entry.bytes, flags: flags, places: PackPlaces(reader)
                        ).ranges
                }
                return pack
            }
        }
        let found = try Self.search(feed, "needle in .*[05]")
        #expect(found.text == expected.text)
        #expect(!found.text.isEmpty)
        #expect(found.problems.isEmpty)
        #expect(remote.requests.rounds <= (knowsPlaces ? 1 : 2) * packs.count)
    }

    @Test func aPackThatIsGoneIsAProblem() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pack = try Self.pack(1, lines: 10, in: folder)
        var paths = [pack.path, "packs/2026/11/20/none.pack", pack.path][...]
        let feed = PackFeed(home: RemoteHome(folder: FolderPackHome(store: folder)), options: SearchOptions()) {
            paths.popFirst().map { BucketPack(pack: $0, bytes: pack.size, label: Self.label($0)) }
        }
        let found = try Self.search(feed, "needle")
        #expect(found.text.split(separator: "\n").count == 2)
        #expect(found.problems.count == 1)
    }

    /// As after another machine packed the session again, and the earlier pack was deleted. What filters said of the earlier
    /// one says nothing of the later one.
    @Test(arguments: [false, true]) func aPackThatWasReplacedIsSearchedInItsNextGeneration(isSorted: Bool) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pack = try Self.pack(1, lines: 10, in: folder)
        let gone = "packs/2026/11/20/s1.4.0000000a.pack"
        let asked = Mutex<[String]>([])
        func feed(_ replacement: String) -> PackFeed {
            var old = BucketPack(pack: gone, bytes: 4096, label: Self.label("s1"), flags: [false])
            old.isExcluded = true
            var packs = [old][...]
            return PackFeed(
                home: RemoteHome(folder: FolderPackHome(store: folder)), options: SearchOptions(),
                newer: { earlier in
                    asked.withLock { $0.append(earlier.pack) }
                    return BucketPack(pack: replacement, bytes: pack.size, label: earlier.label)
                }, supply: { packs.popFirst() })
        }
        let next = feed(pack.path)
        let source = isSorted ? next.nextCandidate().flatMap { next.source(of: $0) } : next.next()
        #expect(source != nil && next.problems.isEmpty)
        #expect(asked.withLock { $0 } == [gone])
        let found = try Self.search(feed(pack.path), "needle")
        #expect(found.text.contains("needle in 1") && found.problems.isEmpty)
        // Asked once: a row whose pack is gone, too, is a problem.
        asked.withLock { $0 = [] }
        let failed = try Self.search(feed("packs/2026/11/20/none.pack"), "needle")
        #expect(failed.problems.count == 1 && failed.problems.first?.hasPrefix("packs/2026/11/20/none.pack") == true)
        #expect(asked.withLock { $0.count } == 1)
    }

    private static func label(_ path: String) -> SourceLabel {
        SourceLabel(SessionIdentity(id: path, image: "i", tag: nil, location: nil, created: nil))
    }
}
