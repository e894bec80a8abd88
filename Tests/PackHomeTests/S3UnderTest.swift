import Glibc
import Model
import NIOHTTP1
import PackHome
import Synchronization
import Testing

@testable import S3

/// Packs in a bucket of a real server, which `SALVAGE_TEST_S3` names.
struct S3UnderTest: PackHomeUnderTest {
    let testDescription = "bucket"
    let replacesPacks = false
    let listsPartially = false

    /// The server, such as `http://127.0.0.1:7480`; nil, with a message, when none is named.
    static let endpoint: String? = {
        if let name = getenv("SALVAGE_TEST_S3") { return String(cString: name) }
        print("skipped: packs in a bucket. SALVAGE_TEST_S3 names no server such as http://127.0.0.1:7480")
        return nil
    }()

    private static let places = Mutex<[String: Place]>([:])
    private static let bucket = "salvage-packhome-test"

    /// A prefix of its own in the bucket, reached through a proxy.
    struct Place: Sendable {
        let client: S3Client
        let proxy: FaultProxy
    }

    func make(store: String) throws -> any PackHome { S3PackHome(try Self.place(of: store).client, local: store) }

    /// The place of a store, made when it is first asked for. Clients live as long as the process, as those of salvage do.
    static func place(of store: String) throws -> Place {
        if let place = places.withLock({ $0[store] }) { return place }
        let endpoint = try #require(endpoint)
        let port = try #require(endpoint.split(separator: ":").last.flatMap { UInt16($0) })
        let proxy = try FaultProxy(upstream: port)
        var settings = BucketSettings()
        settings.endpoint = "http://127.0.0.1:\(proxy.port)"
        // A server that refuses is asked a second time at once.
        var options = S3Options()
        options.tries = 2
        options.firstWait = 1
        options.longestWait = 2
        let location = try S3Location(parsing: "s3://\(bucket)/\(UInt64.random(in: 0 ... .max))")
        let keys = try S3Keys(id: "salvage", secret: "salvage-secret-key")
        let client = try S3Client(location, settings, credentials: StaticCredentials(keys), options: options)
        var call = S3Call("create the bucket", .PUT, nil)
        // Some servers refuse to create what exists.
        call.successes = [200, 409]
        _ = try client.perform(call).result.get()
        let place = Place(client: client, proxy: proxy)
        places.withLock { $0[store] = place }
        return place
    }

    func obstruct(_ path: String, store: String) throws {
        let day = path.split(separator: "/").dropLast().joined(separator: "%2F")
        try Self.place(of: store).proxy.spoil { line in
            let isWhole = line.contains("list-type=2") && !line.contains("packs%2F2")
            let isHit = line.contains("/\(path)") || line.contains(day) || isWhole
            return isHit ? .status(403, code: "AccessDenied") : nil
        }
    }

    func leaveUnfinished(_ path: String, store: String) throws {
        _ = try Self.place(of: store).client.begin(path, S3Client.newOwner())
    }
}
