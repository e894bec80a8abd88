internal import Files
internal import Model
internal import NIOHTTP1
internal import Synchronization
internal import Text
internal import XML

extension S3Client {
    /// How many bytes at the end of an upload are read back: a pack's trailer.
    static let tail = 48

    /// Writes an object from a file, from its start to `size`: in one request up to one part, else in parts, several on
    /// the way. Never replaces an object, as far as the server can tell (see ``put(_:_:replaces:)``; some ignore the
    /// condition at the end of an upload in parts, so it is also looked for before).
    ///
    /// When this returns, the object has the size, and its last 48 bytes were read back. An upload that fails is
    /// aborted, if the server can still be reached; a lifecycle rule of the bucket is needed for the rest.
    /// - Parameter descriptor: an open file that does not change meanwhile. Its own position is not used.
    public func upload(_ key: String, from descriptor: Int32, size: UInt64) throws(S3Error) -> S3Object {
        let object: S3Object
        if size <= UInt64(options.partSize) {
            object = try put(key, part(key, descriptor, 0..<size), replaces: false)
        } else {
            guard try head(key) == nil else { throw Self.taken(key) }
            object = try uploadParts(key, descriptor, size)
        }
        let count = Int(min(UInt64(Self.tail), size))
        guard count > 0 else { return object }
        let end = try end(of: key, count)
        guard end.object.size == size, try end.bytes == part(key, descriptor, (size - UInt64(count))..<size) else {
            throw S3Error(.damaged, "the object differs from what was uploaded", key: key)
        }
        return end.object
    }

    /// The size of the parts of an upload, in bytes: as the options say, or such that there are at most 9,000.
    package static func partSize(_ size: UInt64, least: Int) -> UInt64 {
        let least = UInt64(max(1, least))
        let needed = size / 9_000 + 1
        let mebibyte: UInt64 = 1 << 20
        return needed <= least ? least : (needed + mebibyte - 1) / mebibyte * mebibyte
    }

    // MARK: -

    private func uploadParts(_ key: String, _ descriptor: Int32, _ size: UInt64) throws(S3Error) -> S3Object {
        let owner = Self.newOwner()
        let upload = try begin(key, owner)
        do {
            let tags = try sendParts(upload, descriptor, size)
            return try complete(upload, tags, size, owner)
        } catch {
            // What went wrong first is what counts.
            try? abort(upload)
            throw error
        }
    }

    func begin(_ key: String, _ owner: String) throws(S3Error) -> S3Upload {
        var call = try S3Call("begin an upload", .POST, checked(key))
        call.query = [("uploads", "")]
        call.headers = writingHeaders(owner)
        call.mostBody = 64 << 10
        let answer = try perform(call).result.get()
        let root = try document(answer, key)
        guard root.name == "InitiateMultipartUploadResult", let id = root.text(of: "UploadId"), !id.isEmpty,
            id.utf8.count <= 4096
        else { throw S3Error(.damaged, "the server did not say the id of an upload", key: key, status: answer.status) }
        return S3Upload(key: key, id: id, begun: 0)
    }

    /// Sends all parts; returns their tags.
    private func sendParts(_ upload: S3Upload, _ descriptor: Int32, _ size: UInt64) throws(S3Error) -> [String] {
        let length = Self.partSize(size, least: options.partSize)
        let count = Int((size + length - 1) / length)
        let window = max(
            1, min(settings.parallel, UInt64(options.partMemory) < length ? 1 : options.partMemory / Int(length)))
        var flying: [PendingCall<S3Outcome>] = []
        var tags: [String] = []
        var started = 0
        defer { for call in flying { call.cancel() } }
        while tags.count < count {
            while started < count, flying.count < window {
                let start = UInt64(started) * length
                let bytes = try part(upload.key, descriptor, start..<min(size, start + length))
                flying.append(try self.start(partCall(upload, number: started + 1, bytes)))
                started += 1
            }
            let answer = try flying.removeFirst().wait().result.get()
            guard let tag = answer.etag, !tag.isEmpty else {
                throw S3Error(.damaged, "the server did not say the tag of a part", key: upload.key)
            }
            tags.append(tag)
        }
        return tags
    }

    func partCall(_ upload: S3Upload, number: Int, _ bytes: [UInt8]) throws(S3Error) -> S3Call {
        var call = try S3Call("upload part \(number)", .PUT, checked(upload.key))
        call.query = [("partNumber", "\(number)"), ("uploadId", upload.id)]
        call.setBody(bytes)
        return call
    }

    func complete(
        _ upload: S3Upload, _ tags: [String], _ size: UInt64, _ owner: String
    ) throws(S3Error) -> S3Object {
        let key = upload.key
        var isConditional = !refusesConditions.load(ordering: .relaxed)
        while true {
            let outcome = try perform(completion(upload, tags, isConditional: isConditional))
            do {
                let answer = try outcome.result.get()
                let etag = try document(answer, key).text(of: "ETag") ?? answer.etag ?? ""
                return S3Object(
                    key: key, size: size, etag: etag.filter { $0 != "\"" },
                    modified: Self.object(key, answer, size: size).modified)
            } catch {
                if isConditional, error.status == 501 {
                    refusesConditions.store(true, ordering: .relaxed)
                    isConditional = false
                    continue
                }
                // An upload whose answer was lost is not known any more, and its object is in the way.
                return try settled(key, size, owner, outcome, error)
            }
        }
    }

    private func completion(_ upload: S3Upload, _ tags: [String], isConditional: Bool) throws(S3Error) -> S3Call {
        var call = try S3Call("complete the upload", .POST, checked(upload.key))
        call.query = [("uploadId", upload.id)]
        call.headers = [("content-type", "application/xml")]
        if isConditional { call.headers.append(("if-none-match", "*")) }
        var body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for (index, tag) in tags.enumerated() {
            body += "<Part><PartNumber>\(index + 1)</PartNumber><ETag>&quot;\(XMLText.escaped(tag))&quot;</ETag></Part>"
        }
        call.setBody(Array((body + "</CompleteMultipartUpload>").utf8))
        let judge = AnswerJudge(
            purpose: call.purpose, key: upload.key, bucket: loop.location.bucket, region: loop.endpoint.region)
        // S3 answers before it knows: an error follows a status of 200.
        call.check = { answer in
            let root = try? XMLReader.root(of: answer.body)
            guard root?.name != "CompleteMultipartUploadResult" else { return nil }
            var fault = judge.fault(answer, stamped: 0, now: 0)
            fault.mayHaveActed = true
            return fault
        }
        return call
    }

    private func part(_ key: String, _ descriptor: Int32, _ range: Range<UInt64>) throws(S3Error) -> [UInt8] {
        let bytes = try Self.local(key) { () throws(FileFailure) in
            try Descriptor.read(descriptor, at: range.lowerBound, count: range.count)
        }
        guard bytes.count == range.count else {
            throw S3Error(.local, "the file ended before its size while it was uploaded", key: key)
        }
        return bytes
    }

    /// The document of a good answer.
    func document(_ answer: S3Answer, _ key: String) throws(S3Error) -> XMLElement {
        do throws(XMLFault) {
            return try XMLReader.root(of: answer.body)
        } catch {
            throw S3Error(
                .damaged, "the server's answer cannot be read: \(error)", key: key, status: answer.status,
                hint: "check that the endpoint is that of an S3 server")
        }
    }
}
