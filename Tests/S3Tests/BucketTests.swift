import Bytes
import Digest
import Foundation
import Model
import NIOHTTP1
import Testing

@testable import S3

/// A real server of S3 for tests.
enum RealBucket {
    static let endpoint = ProcessInfo.processInfo.environment["SALVAGE_TEST_S3"].flatMap { $0.isEmpty ? nil : $0 }
    static let isThere = endpoint != nil
    static let hint: Comment = "SALVAGE_TEST_S3 names no server of S3"

    /// Runs a body with a client of a new bucket, through a proxy if one is given, and removes the bucket.
    static func with(
        through proxy: String? = nil, partSize: Int = 16 << 20, tries: Int = 8, _ body: (S3Client) throws -> Void
    ) throws {
        let endpoint = try #require(endpoint)
        let bucket = "test-\(UUID().uuidString.lowercased())"
        let direct = try TestClients.client(endpoint, bucket: bucket)
        defer { direct.close() }
        _ = try direct.perform(S3Call("create the bucket", .PUT, nil)).result.get()
        defer {
            try? direct.list("", after: nil, delimiter: nil) { page in
                _ = try direct.delete(page.objects.map(\.key))
                return true
            }
            for upload in (try? direct.unfinishedUploads("")) ?? [] { try? direct.abort(upload) }
            var call = S3Call("remove the bucket", .DELETE, nil)
            call.successes = [204]
            _ = try? direct.perform(call)
        }
        let client = try TestClients.client(proxy ?? endpoint, bucket: bucket, prefix: "some/prefix", parallel: 16) {
            ($0.partSize, $0.tries) = (partSize, tries)
        }
        defer { client.close() }
        try body(client)
    }

    /// A file in memory with bytes that differ everywhere.
    static func file(_ size: Int, seed: UInt64) throws -> (descriptor: Int32, bytes: [UInt8]) {
        var random = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + 8)
        while bytes.count < size { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
        bytes.removeLast(bytes.count - size)
        return (try file(bytes), bytes)
    }

    static func file(_ bytes: [UInt8]) throws -> Int32 {
        let path = "\(NSTemporaryDirectory())/s3-\(UUID().uuidString)"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        unlink(path)
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(bytes))
        return descriptor
    }

    static func content(_ descriptor: Int32) throws -> [UInt8] {
        lseek(descriptor, 0, SEEK_SET)
        return Array(try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd() ?? Data())
    }
}

@Suite(.enabled(if: RealBucket.isThere, RealBucket.hint)) struct BucketTests {
    static let awkward = [
        "a", "a b+c~d%25%.txt", "ü/é.txt", "u\u{308}", "x//y", "/lead", "tail/", "q?x=1&y#z", "tab\tx", "line\nx",
        "ctl\u{1}x",
        "a'(b)*!$,;=:@[]", "<&>\"", "...", "packs/2026/11/20/s.1.0123abcd.pack", "😀",
    ]

    @Test func awkwardKeysArriveAsTheyAre() throws {
        try RealBucket.with { client in
            for key in Self.awkward {
                let bytes = Array("content of \(key)".utf8)
                let written = try client.put(key, bytes, replaces: false)
                let head = try client.head(key)
                #expect(head?.etag == written.etag && head?.size == UInt64(bytes.count), "\(key)")
                let all = try client.read(key)
                let part = try client.read(key, 3..<7)
                let end = try client.readEnd(key, 5)
                #expect(all == bytes && part == Array(bytes[3..<7]) && end == Array(bytes.suffix(5)), "\(key)")
            }
            var keys: [String] = []
            try client.list("", after: nil, delimiter: nil) { page in
                keys += page.objects.map(\.key)
                return true
            }
            let sorted = Self.awkward.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(keys.map { Array($0.utf8) } == sorted.map { Array($0.utf8) })
            let failures = try client.delete(keys)
            #expect(failures.isEmpty)
            let gone = try client.head("a")
            #expect(gone == nil)
            expectFailure(.absent) { try client.read("a") }
        }
    }

    @Test func aTakenKeyIsNotReplaced() throws {
        try RealBucket.with { client in
            _ = try client.put("k", [1, 2], replaces: false)
            expectFailure(.exists) { try client.put("k", [3], replaces: false) }
            expectFailure(.exists) { try client.upload("k", from: RealBucket.file([4]), size: 1) }
            let kept = try client.read("k")
            #expect(kept == [1, 2])
            _ = try client.put("k", [3], replaces: true)
            let replaced = try client.read("k")
            #expect(replaced == [3])
        }
    }

    @Test func emptyObjectsAreObjects() throws {
        try RealBucket.with { client in
            let object = try client.upload("empty", from: RealBucket.file([]), size: 0)
            let end = try client.readEnd("empty", 48)
            let all = try client.read("empty")
            #expect(object.size == 0 && end.isEmpty && all.isEmpty)
            let file = try RealBucket.file([])
            defer { close(file) }
            let size = try client.download("empty", to: file).size
            #expect(size == 0)
        }
    }

    @Test func largeObjectsGoInPartsAndComeBackTheSame() throws {
        try RealBucket.with(partSize: 5 << 20) { client in
            let size = (11 << 20) + 12_345
            let (source, bytes) = try RealBucket.file(size, seed: 1)
            let target = try RealBucket.file([])
            defer { for file in [source, target] { close(file) } }
            let object = try client.upload("big", from: source, size: UInt64(size))
            #expect(object.size == UInt64(size) && object.etag.hasSuffix("-3"))
            _ = try client.download("big", to: target)
            let back = try RealBucket.content(target)
            #expect(SHA256.digest(back) == SHA256.digest(bytes))
            expectFailure(.exists) { try client.upload("big", from: source, size: UInt64(size)) }
            let left = try client.unfinishedUploads("")
            #expect(left == [])
        }
    }

    @Test func foldersAndPagesAreListed() throws {
        try RealBucket.with { client in
            let keys = (0..<1205).map { "f\($0 % 5)/\(String(format: "%04d", $0)) +" }
            var flying = keys[...]
            while let key = flying.popFirst() { _ = try client.put(key, [1], replaces: true) }
            var (pages, found): (Int, [String]) = (0, [])
            try client.list("", after: nil, delimiter: nil) { page in
                pages += 1
                found += page.objects.map(\.key)
                return true
            }
            #expect(found == keys.sorted() && pages == 2)
            var folders: [String] = []
            try client.list("", after: nil, delimiter: "/") { page in
                folders += page.folders
                #expect(page.objects.isEmpty)
                return true
            }
            #expect(folders == (0..<5).map { "f\($0)/" })
            var after: [String] = []
            try client.list("f3/", after: "f3/1193 +", delimiter: nil) { page in
                after += page.objects.map(\.key)
                return true
            }
            #expect(after == ["f3/1198 +", "f3/1203 +"])
            let failures = try client.delete(keys + ["was/never/there"])
            #expect(failures.isEmpty)
        }
    }

    @Test func anUnfinishedUploadIsListedAndAborted() throws {
        try RealBucket.with { client in
            let upload = try client.begin("left +/over", S3Client.newOwner())
            let found = try client.unfinishedUploads("left")
            #expect(found.map(\.id) == [upload.id] && found.map(\.key) == ["left +/over"])
            #expect(found.allSatisfy { $0.begun > 0 })
            for upload in found { try client.abort(upload) }
            try client.abort(upload)
            let left = try client.unfinishedUploads("")
            #expect(left == [])
        }
    }

    @Test func wrongKeysAreDeniedAndAMissingBucketIsInvalid() throws {
        let endpoint = try #require(RealBucket.endpoint)
        let wrong = StaticCredentials(try S3Keys(id: "salvage", secret: "another-secret"))
        let denied = try TestClients.client(endpoint, credentials: wrong)
        let missing = try TestClients.client(endpoint, bucket: "there-is-no-such-bucket")
        defer { for client in [denied, missing] { client.close() } }
        let error = expectFailure(.denied) { try denied.put("k", [1], replaces: true) }
        #expect(error?.identifier?.hasPrefix("SignatureDoesNotMatch") == true)
        expectFailure(.invalid) { try missing.head("k") }
        expectFailure(.invalid) { try missing.read("k") }
    }

    @Test func aBucketIsExamined() throws {
        try RealBucket.with { client in
            let found = client.examine()
            let failures = found.facts.filter { $0.grade == .failure }
            #expect(failures == [])
            #expect(found.canWrite == true && found.latency != nil && (found.clockOffset ?? .max).magnitude < 60_000)
            let names = found.facts.map(\.name)
            #expect(names.contains("bucket_multipart") && names.contains("bucket_lifecycle"))
            var left = 0
            try client.list("", after: nil, delimiter: nil) { page in
                left += page.objects.count
                return true
            }
            let uploads = try client.unfinishedUploads("")
            #expect(left == 0 && uploads == [])
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func nothingIsWrongBehindAFaultyWay(_ seed: UInt64) throws {
        let proxy = try FaultProxy(to: #require(RealBucket.endpoint), percent: 30, seed: seed)
        defer { proxy.server.stop() }
        try RealBucket.with(through: proxy.server.url, partSize: 5 << 20, tries: 30) { client in
            let size = (11 << 20) + 777
            let (source, bytes) = try RealBucket.file(size, seed: seed)
            let target = try RealBucket.file([])
            defer { for file in [source, target] { close(file) } }
            _ = try client.upload("big", from: source, size: UInt64(size))
            _ = try client.download("big", to: target)
            let back = try RealBucket.content(target)
            #expect(SHA256.digest(back) == SHA256.digest(bytes))
            for index in 0..<30 {
                let written = try client.put("k\(index)", Array(bytes[index * 100..<index * 100 + 50]), replaces: false)
                #expect(written.size == 50)
            }
            let ranges = (0..<30).map { (key: "k\($0)", range: UInt64(10)..<UInt64(40)) }
            var right = 0
            try client.get(ranges) { index, result in
                if (try? result.get()) == Array(bytes[index * 100 + 10..<index * 100 + 40]) { right += 1 }
                return true
            }
            #expect(right == 30)
            var keys: [String] = []
            try client.list("", after: nil, delimiter: nil) { page in
                keys += page.objects.map(\.key)
                return true
            }
            #expect(keys.count == 31)
            let failures = try client.delete(keys)
            let gone = try client.head("big")
            #expect(failures.isEmpty && gone == nil)
            #expect(client.counts.retries > 0)
        }
    }
}
