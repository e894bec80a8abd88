import BlockIndex
import Catalog
import Foundation
import LogSearch
import Model
import Pack
import PackHome
import S3
import Synchronization
import Testing

@testable import Store

/// A search of a shared store finds what the same search of a folder finds: with packs that have no filters yet, with segments,
/// with slices, and when filters are damaged.
@Suite(.enabled(if: SharedStage.server != nil && BucketStage.endpoint != nil, BucketStage.why))
struct BucketSearchTests {
    private static let words = [
        "alpha-centauri", "OutOfMemory", "player_4711", "10.143.201.77", "timeout", "Fatal error",
    ]

    /// Two stores with the same packs.
    private final class Stage {
        let real: RealStore
        let local: Store
        let shared: Store
        private let servers: SharedStage
        private let bucket: BucketStage

        init(sessions: Int) throws {
            servers = try SharedStage()
            bucket = try BucketStage()
            real = try RealStore()
            local = try Store(.folder(real.path), readOnly: false)
            let keys = real.path + "/keys"
            try "[default]\naws_access_key_id = salvage\naws_secret_access_key = salvage-secret-key\n".write(
                toFile: keys, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keys)
            var address = SharedStoreAddress(catalog: servers.uri, packs: bucket.client.location.description)
            address.bucket.endpoint = BucketStage.endpoint
            address.bucket.pathStyle = true
            address.bucket.credentialsFile = keys
            // Beside the store in a folder: one that is inside the other cannot be migrated to it.
            address.cache = real.path + "-shared"
            shared = try Store(.shared(address), readOnly: false)
            for number in 0..<sessions { try add(number) }
        }

        /// Adds a session to both stores.
        func add(_ number: Int) throws {
            let path = try addLocally(number)
            let file = real.path + "/" + path
            let copy = file + ".copy"
            try FileManager.default.copyItem(atPath: file, toPath: copy)
            let key = PackPath.generation(path, epoch: 1, nonce: UInt32(number))
            try shared.home.publish(copy, as: key)
            try shared.catalog().commit(PackContents(shared.home.reader(for: key), path: key))
        }

        /// Adds a session to the store in a folder; returns its pack's path.
        func addLocally(_ number: Int) throws -> String {
            var text = ""
            for line in 0..<(number % 9 == 0 ? 9000 : 120) {
                let word = (line &* 7919 &+ number) % 53
                text +=
                    "line \(line) of \(number) says \(word < words.count ? words[word] : "nothing \(line * number)")\n"
            }
            let session = "s\(number)"
            let created = Int64(1_795_132_800_000) - Int64(number % 3) * 86_400_000
            let path = PackPath.folder + "/" + PackPath.relative(session: session, created: created)
            let file = real.path + "/" + path
            try FileManager.default.createDirectory(
                at: URL(filePath: file).deletingLastPathComponent(), withIntermediateDirectories: true)
            let descriptor = try PackFile.create(path: file)
            var options = PackOptions(workers: 0)
            options.filtersAside = true
            let writer = try PackWriter(descriptor: descriptor, options: options, inspector: nil)
            try writer.beginMember(MemberHeader(path: Array("Game.log".utf8), kind: .log))
            try Array(text.utf8).withUnsafeBytes { try writer.append($0) }
            _ = try writer.endMember()
            try writer.beginMember(MemberHeader(path: Array("core".utf8), kind: .binary))
            try Array("\u{0}alpha-centauri\u{0}".utf8).withUnsafeBytes { try writer.append($0) }
            _ = try writer.endMember()
            var facts = SessionMetadata(session: session, image: "img", tag: number % 2 == 0 ? "1.4" : "1.5")
            facts.created = created
            facts.state = "exited"
            _ = try writer.finish(session: facts, artifacts: [])
            close(descriptor)
            try local.catalog().commit(PackContents(PackReader.open(path: file), path: path))
            return path
        }

        private var words: [String] { BucketSearchTests.words }
    }

    private static func hits(_ store: Store, _ request: SearchRequest) throws -> [String] {
        let found = Mutex<[String]>([])
        let outcome = try store.search(request) { hit in
            found.withLock {
                $0.append("\(hit.member.label.session):\(hit.number):\(String(decoding: hit.text, as: UTF8.self))")
            }
            return true
        }
        #expect(outcome.problems.isEmpty)
        return found.withLock { $0 }
    }

    private static func expectEqual(_ stage: Stage, _ comment: Comment) throws {
        for word in words + ["nowhere-to-be-seen", "says nothing 1[0-9]*0$", "alpha|Fatal", ""] {
            var request = SearchRequest(word)
            request.sorting = SearchSorting(.path)
            if word.isEmpty { request.selection.sessions = ["s1", "s3"] }
            #expect(try hits(stage.shared, request) == hits(stage.local, request), comment)
            request.selection.tags = ["1.5"]
            #expect(try hits(stage.shared, request) == hits(stage.local, request), comment)
            request.sorting = SearchSorting()
            #expect(try hits(stage.shared, request).sorted() == hits(stage.local, request).sorted(), comment)
        }
    }

    @Test func aBucketGivesWhatAFolderGives() throws {
        let stage = try Stage(sessions: 40)
        try Self.expectEqual(stage, "without filters")
        let upkeep = try FilterUpkeep(stage.shared, maker: "test")
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        let filtered = try upkeep.perform(now: now, patience: 0) { true }
        #expect(filtered.filtered == 40 && filtered.problems.isEmpty)
        try Self.expectEqual(stage, "with a segment")
        let hours = try upkeep.perform(now: now + 2 * 3_600_000, patience: 0) { true }
        #expect(hours.replaced == 1 && hours.written == 1)
        try Self.expectEqual(stage, "with a slice")
        for number in 40..<44 { try stage.add(number) }
        try Self.expectEqual(stage, "with a slice, and packs without filters")
        _ = try upkeep.perform(now: now + 1000, patience: 0) { true }
        try Self.expectEqual(stage, "with a slice and a segment")
        _ = try upkeep.perform(now: now + 3 * 86_400_000, patience: 0) { true }
        _ = try upkeep.perform(now: now + 3 * 86_400_000, patience: 0) { true }
        let listed = try stage.shared.catalog().listedFilters().filter { !$0.isReplaced }
        #expect(listed.map(\.level) == [2])
        try Self.expectEqual(stage, "with the slice of a day")
    }

    @Test func aStoreThatWasMigratedHasItsFilters() throws {
        let stage = try Stage(sessions: 0)
        for number in 0..<20 {
            let pack = try stage.addLocally(number)
            // Filters come from the index of the folder, or else from the pack.
            guard number % 2 == 0 else { continue }
            try FilterLog.append(store: stage.real.path, pack: pack, reader: stage.local.home.reader(for: pack))
        }
        let report = try stage.local.migrate(to: stage.shared.address, dryRun: false, keepsSource: true) { _ in }
        #expect(report.packs == 20 && report.gaps.isEmpty)
        let catalog = try stage.shared.catalog()
        #expect(try catalog.packsWithoutFilters(for: 0, limit: 100).isEmpty)
        #expect(try catalog.listedFilters().count == 1)
        try Self.expectEqual(stage, "migrated")
        // Nothing is new, so nothing is published again.
        _ = try stage.local.migrate(to: stage.shared.address, dryRun: false, keepsSource: true) { _ in }
        #expect(try catalog.listedFilters().count == 1)
    }

    @Test func partsOfTheSessionsAreTheWhole() throws {
        let stage = try Stage(sessions: 12)
        for store in [stage.local, stage.shared] {
            var parts: [String] = []
            for index in 1...3 {
                var request = SearchRequest("timeout")
                request.scope.shard = SessionShard(index: index, count: 3)
                parts += try Self.hits(store, request)
            }
            #expect(try parts.sorted() == Self.hits(store, SearchRequest("timeout")).sorted())
        }
    }
}
