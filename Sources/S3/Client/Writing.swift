internal import Bytes
internal import Model
internal import NIOHTTP1
internal import Synchronization
internal import Text

extension S3Client {
    /// The header that names the call that wrote an object, so that a lost answer can be told from another writer's object.
    static let ownerHeader = "x-amz-meta-salvage-put"

    /// Writes a small object in one request.
    ///
    /// Without `replaces`, a key that is taken is an error with `exists`, as far as the server can tell: a server that does
    /// not implement If-None-Match for PUT is asked before, which leaves a moment in which another can write. Use keys that
    /// are never written twice.
    /// - Throws: `S3Error`. Unless it is `exists`, `denied` or `invalid`, the object may have been written nevertheless.
    public func put(_ key: String, _ bytes: [UInt8], replaces: Bool) throws(S3Error) -> S3Object {
        let owner = Self.newOwner()
        var call = try S3Call("write the object", .PUT, checked(key))
        call.headers = writingHeaders(owner)
        call.successes = [200, 201, 204]
        call.setBody(bytes)
        if replaces { return try written(key, perform(call), UInt64(bytes.count), owner) }
        if !refusesConditions.load(ordering: .relaxed) {
            var conditional = call
            conditional.headers.append(("if-none-match", "*"))
            let outcome = try perform(conditional)
            guard case .failure(let error) = outcome.result, error.status == 501 else {
                return try written(key, outcome, UInt64(bytes.count), owner)
            }
            refusesConditions.store(true, ordering: .relaxed)
        }
        guard try head(key) == nil else { throw Self.taken(key) }
        return try written(key, perform(call), UInt64(bytes.count), owner)
    }

    // MARK: -

    /// What an object says about itself and about the call that wrote it.
    func headWithOwner(_ key: String) throws(S3Error) -> (object: S3Object, owner: String?)? {
        var call = try S3Call("look at the object", .HEAD, checked(key))
        call.successes = [200, 404]
        let answer = try perform(call).result.get()
        if answer.status == 200 {
            guard let size = answer.length else {
                throw S3Error(.damaged, "the server did not say the object's size", key: key, status: 200)
            }
            return (Self.object(key, answer, size: size), answer.header(Self.ownerHeader))
        }
        // An answer to HEAD has no body: it does not say whether the object is absent or the bucket, or whether a proxy
        // made it.
        do {
            var probe = try getCall(key, 0..<1, nil)
            probe.purpose = "look at the object"
            _ = try perform(probe).result.get()
        } catch {
            if error.code == .absent { return nil }
            guard error.status == 416 else { throw error }
        }
        // It has appeared meanwhile.
        call.successes = [200]
        let again = try perform(call).result.get()
        return (Self.object(key, again, size: again.length ?? 0), again.header(Self.ownerHeader))
    }

    /// The headers of requests that make an object.
    func writingHeaders(_ owner: String) -> [(name: String, value: String)] {
        var headers = [("content-type", "application/octet-stream"), (Self.ownerHeader, owner)]
        if let storageClass = settings.storageClass { headers.append(("x-amz-storage-class", storageClass)) }
        if let encryption = settings.encryption { headers.append(("x-amz-server-side-encryption", encryption)) }
        return headers.map { (name: $0.0, value: $0.1) }
    }

    static func newOwner() -> String {
        Hex.padded(UInt64.random(in: 0 ... .max)) + Hex.padded(UInt64.random(in: 0 ... .max))
    }

    static func taken(_ key: String) -> S3Error { S3Error(.exists, "the object exists already", key: key) }

    /// Whether the object at a key was written by the call of this owner.
    func isOwn(_ key: String, _ size: UInt64, _ owner: String) throws(S3Error) -> S3Object? {
        guard let found = try headWithOwner(key), found.object.size == size,
            found.owner?.hasSameBytes(as: owner) ?? false
        else { return nil }
        return found.object
    }

    private func written(
        _ key: String, _ outcome: S3Outcome, _ size: UInt64, _ owner: String
    ) throws(S3Error) -> S3Object {
        let answer: S3Answer
        do {
            answer = try outcome.result.get()
        } catch {
            // The refusal may be of our own object, whose answer was lost.
            let isUnclear = outcome.mayHaveActed && [.exists, .unavailable].contains(error.code)
            if isUnclear, let own = try? isOwn(key, size, owner) { return own }
            throw error.code == .exists ? Self.taken(key) : error
        }
        guard let etag = answer.etag else {
            throw S3Error(.damaged, "the server did not say the tag of what it wrote", key: key, status: answer.status)
        }
        var object = Self.object(key, answer, size: size)
        object.etag = etag
        return object
    }
}
