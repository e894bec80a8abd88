internal import Bytes
internal import Calendar
public import Model
internal import NIOHTTP1
internal import Synchronization
internal import Text

/// Objects under a prefix of a bucket, over the S3 REST API
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html).
///
/// Calls block; make them on threads of your own and from as many as you like. Requests that fail in a way that may pass are
/// repeated, with fewer at once when the server asks for that. Bodies that are sent are signed with their SHA-256; bodies
/// that arrive are checked for their length, range and tag. Keys are relative to the location's prefix. Call ``close()`` when
/// done.
public final class S3Client: Sendable {
    /// The bucket and the prefix.
    public let location: S3Location
    let settings: BucketSettings
    let loop: RequestLoop
    /// Whether the server refused the header If-None-Match as something it does not implement.
    let refusesConditions = Atomic<Bool>(false)

    var options: S3Options { loop.options }

    /// Prepares a client. Sends nothing and reads no credentials yet.
    /// - Throws: `S3Error` with `invalid` if endpoint, region or settings are not valid.
    public convenience init(
        _ location: S3Location, _ settings: BucketSettings, credentials: any S3Credentials
    ) throws(S3Error) {
        try self.init(location, settings, credentials: credentials, options: S3Options())
    }

    /// Prepares a client with options. Sends nothing and reads no credentials yet.
    /// - Throws: `S3Error` with `invalid` if endpoint, region or settings are not valid.
    public init(
        _ location: S3Location, _ settings: BucketSettings, credentials: any S3Credentials, options: S3Options
    ) throws(S3Error) {
        self.location = location
        self.settings = settings
        for (name, value) in [("storage class", settings.storageClass), ("encryption", settings.encryption)] {
            guard value?.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) ?? true else {
                throw S3Error(.invalid, "the bucket's \(name) is not valid", key: "\(location)")
            }
        }
        guard settings.parallel >= 1, settings.parallel <= 10_000 else {
            throw S3Error(.invalid, "the number of parallel requests is not from 1 to 10,000", key: "\(location)")
        }
        let endpoint = try BucketEndpoint(location, settings, options.environment)
        loop = try RequestLoop(location, endpoint, credentials, parallel: settings.parallel, options)
    }

    /// What was sent and received so far.
    public var counts: S3Counts { loop.counts }

    /// Closes all connections. Calls under way fail.
    public func close() { PendingCall { [loop] in await loop.shutdown() }.wait() }

    // MARK: Reading

    /// Asks for an object's size and tag; nil only if the server said that there is no such object.
    /// - Throws: `S3Error` if that cannot be known now; a bucket that does not exist is `invalid`.
    public func head(_ key: String) throws(S3Error) -> S3Object? {
        try headWithOwner(key)?.object
    }

    /// Reads an object or a range of it.
    ///
    /// A range that reaches beyond the end returns what there is; one that begins at or behind it is an error.
    /// - Parameters:
    ///   - range: in bytes, not empty; nil for the whole object, which may have at most 1 GiB.
    ///   - etag: if given, an object with another tag is an error with `damaged`.
    /// - Throws: `S3Error`, with `absent` if the server said that there is no such object.
    public func get(
        _ key: String, _ range: Range<UInt64>?, ifMatch etag: String?
    ) throws(S3Error) -> (bytes: [UInt8], object: S3Object) {
        let call = try getCall(key, range, etag)
        return try Self.read(key, Self.read(perform(call), key, isConditional: etag != nil))
    }

    /// Reads the last bytes of an object, in one request; all of it if it is shorter.
    /// - Parameter count: from 1 to 1 GiB.
    /// - Throws: `S3Error`, with `absent` if the server said that there is no such object.
    public func end(of key: String, _ count: Int) throws(S3Error) -> (bytes: [UInt8], object: S3Object) {
        guard count > 0, count <= Self.mostMemory else {
            throw S3Error(.invalid, "cannot read \(count) bytes at the end of an object", key: key)
        }
        var call = try S3Call("read the end of the object", .GET, checked(key))
        call.headers = [("range", "bytes=-\(count)")]
        call.successes = [206, 200]
        call.mostBody = count
        call.check = { answer in RangeCheck.suffix(count, key).fault(answer, etag: nil) }
        do {
            return try Self.read(key, perform(call).result.get())
        } catch {
            // An empty object has no range that could be satisfied.
            guard error.status == 416, let object = try head(key), object.size == 0 else { throw error }
            return ([], object)
        }
    }

    // MARK: -

    /// The most bytes that one call returns.
    static let mostMemory = 1 << 30

    /// Carries out a call and waits for it.
    func perform(_ call: S3Call) throws(S3Error) -> S3Outcome { try start(call).wait() }

    /// Starts a call.
    func start(_ call: S3Call) throws(S3Error) -> PendingCall<S3Outcome> {
        let keys = try loop.credentials.current()
        return PendingCall { [loop] in await loop.perform(call, keys) }
    }

    func getCall(_ key: String, _ range: Range<UInt64>?, _ etag: String?) throws(S3Error) -> S3Call {
        var call = try S3Call("read the object", .GET, checked(key))
        call.mostBody = Self.mostMemory
        call.successes = [200]
        var check: RangeCheck = .whole(key)
        if let range {
            guard !range.isEmpty, range.count <= Self.mostMemory else {
                throw S3Error(.invalid, "cannot read \(range.count) bytes of an object at once", key: key)
            }
            call.headers.append(("range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
            call.successes = [206, 200]
            call.mostBody = range.count
            check = .range(range, key)
        }
        if let etag { call.headers.append(("if-match", "\"\(try Self.tag(etag, key))\"")) }
        call.check = { [check] answer in check.fault(answer, etag: etag) }
        return call
    }

    /// A tag as a part of a header.
    private static func tag(_ etag: String, _ key: String) throws(S3Error) -> String {
        guard etag.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") }) else {
            throw S3Error(.damaged, "the object's tag is not valid", key: key)
        }
        return etag
    }

    /// The key, if S3 and all that stands before it takes it as it is.
    /// - Throws: `S3Error` with `invalid` for an empty key, one of more than 1,024 bytes with the prefix, and one with a
    ///   segment `.` or `..`, which clients and proxies remove.
    func checked(_ key: String) throws(S3Error) -> String {
        func invalid(_ why: String) -> S3Error {
            S3Error(.invalid, "the object's key \(why)", key: Escape.display(key))
        }
        guard !key.isEmpty else { throw invalid("is empty") }
        guard location.prefix.utf8.count + key.utf8.count <= 1024 else { throw invalid("has more than 1,024 bytes") }
        let isRemoved = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).contains {
            $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8)
        }
        guard !isRemoved else { throw invalid("has a segment . or .., which proxies remove") }
        guard !key.utf8.contains(0) else { throw invalid("contains a zero byte") }
        return key
    }

    /// The answer to a GET. With a condition, its refusal means that the object was replaced.
    static func read(_ outcome: S3Outcome, _ key: String, isConditional: Bool) throws(S3Error) -> S3Answer {
        do {
            return try outcome.result.get()
        } catch {
            guard isConditional, error.status == 412 else { throw error }
            throw S3Error(
                .damaged, "the object was replaced while it was read", key: key, status: 412,
                identifier: error.identifier)
        }
    }

    /// The body of an answer to GET, with what the answer says about the object.
    static func read(_ key: String, _ answer: S3Answer) throws(S3Error) -> (bytes: [UInt8], object: S3Object) {
        let size = answer.contentRange?.size ?? UInt64(answer.body.count)
        return (answer.body, object(key, answer, size: size))
    }

    static func object(_ key: String, _ answer: S3Answer, size: UInt64) -> S3Object {
        S3Object(
            key: key, size: size, etag: answer.etag ?? "",
            modified: answer.header("last-modified").flatMap(HTTPDate.seconds).map { $0 &* 1_000_000_000 } ?? 0)
    }
}
