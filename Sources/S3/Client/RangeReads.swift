internal import Files
internal import Model
internal import NIOHTTP1

extension S3Client {
    /// Reads ranges of objects, as many at once as the settings allow, and delivers them in the order of the requests on
    /// the calling thread.
    ///
    /// At most `settings.parallel` ranges are in memory or on the way: the caller bounds their sizes. A range must be
    /// there in full: fewer bytes are an error with `damaged`. Parts of one object may be of different contents if it is
    /// replaced meanwhile; use ``get(_:etag:each:)`` where keys are replaced.
    /// - Parameter each: gets the request's index and the bytes or why there are none; false ends, and the requests under
    ///   way are abandoned.
    /// - Throws: `S3Error` if there are no credentials.
    public func get(
        _ requests: [(key: String, range: Range<UInt64>)], each: (Int, Result<[UInt8], S3Error>) -> Bool
    ) throws(S3Error) {
        try get(requests, etag: nil, window: settings.parallel, each: each)
    }

    /// As ``get(_:each:)``, with the tag that all objects must have.
    public func get(
        _ requests: [(key: String, range: Range<UInt64>)], etag: String?,
        each: (Int, Result<[UInt8], S3Error>) -> Bool
    ) throws(S3Error) {
        try get(requests, etag: etag, window: settings.parallel, each: each)
    }

    /// Writes a whole object into a file from its start, with one part after another and several on the way, all of one
    /// content. What the file had behind the object's end stays.
    /// - Throws: `S3Error`, with `absent` if the server said that there is no such object, with `local` if the file cannot
    ///   be written. The file then has a part of the object.
    public func download(_ key: String, to descriptor: Int32) throws(S3Error) -> S3Object {
        let part = UInt64(max(1, options.partSize))
        let first: (bytes: [UInt8], object: S3Object)
        do {
            first = try get(key, 0..<part, ifMatch: nil)
        } catch {
            // An empty object has no range that could be satisfied.
            guard error.status == 416, let object = try head(key), object.size == 0 else { throw error }
            return object
        }
        try Self.local(key) { () throws(FileFailure) in try Descriptor.write(descriptor, first.bytes, at: 0) }
        let size = first.object.size
        guard size > part else { return first.object }
        guard !first.object.etag.isEmpty else {
            throw S3Error(.damaged, "the server did not say the object's tag", key: key)
        }
        let starts = stride(from: part, to: size, by: UInt64.Stride(part))
        let requests = starts.map { (key: key, range: $0..<min(size, $0 + part)) }
        var failure: S3Error?
        let window = max(1, min(settings.parallel, options.partMemory / options.partSize))
        try get(requests, etag: first.object.etag, window: window) { index, result in
            do throws(S3Error) {
                let bytes = try result.get()
                try Self.local(key) { () throws(FileFailure) in
                    try Descriptor.write(descriptor, bytes, at: requests[index].range.lowerBound)
                }
                return true
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        return first.object
    }

    // MARK: -

    private func get(
        _ requests: [(key: String, range: Range<UInt64>)], etag: String?, window: Int,
        each: (Int, Result<[UInt8], S3Error>) -> Bool
    ) throws(S3Error) {
        var flying: [Result<PendingCall<S3Outcome>, S3Error>] = []
        var started = 0
        defer { for case .success(let call) in flying { call.cancel() } }
        for index in requests.indices {
            while started < requests.count, flying.count < window {
                let request = requests[started]
                flying.append(Result { () throws(S3Error) in try start(getCall(request.key, request.range, etag)) })
                started += 1
            }
            let (key, range) = requests[index]
            let result = Result { () throws(S3Error) -> [UInt8] in
                let outcome = try flying.removeFirst().get().wait()
                let bytes = try Self.read(outcome, key, isConditional: etag != nil).body
                guard bytes.count == range.count else {
                    throw S3Error(
                        .damaged, "the object ends after \(bytes.count) of \(range.count) bytes of a range", key: key)
                }
                return bytes
            }
            guard each(index, result) else { return }
        }
    }

    static func local<Value>(
        _ key: String, _ body: () throws(FileFailure) -> Value
    ) throws(S3Error) -> Value {
        do throws(FileFailure) {
            return try body()
        } catch {
            throw S3Error(.local, error.message, key: key)
        }
    }
}
