internal import Bytes
internal import Calendar
internal import Digest
internal import NIOHTTP1
internal import Text
internal import XML

extension S3Client {
    /// Lists objects, up to 1,000 for each page, in the order of their keys' bytes. An object that is written or removed
    /// meanwhile may be listed or not.
    /// - Parameters:
    ///   - prefix: what the keys begin with, relative to the location's prefix; empty for all.
    ///   - after: only keys behind this one, relative as well.
    ///   - delimiter: if given, keys that contain it behind the prefix are listed as folders, such as with `/`.
    ///   - page: false ends.
    /// - Throws: `S3Error`, or the error of `page`.
    public func list(
        _ prefix: String, after: String?, delimiter: String?, page: (S3Page) throws -> Bool
    ) throws {
        var token: String?
        while true {
            var call = S3Call("list the bucket", .GET, nil)
            call.query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", location.prefix + prefix)]
            if let delimiter { call.query.append(("delimiter", delimiter)) }
            if let token {
                call.query.append(("continuation-token", token))
            } else if let after {
                call.query.append(("start-after", location.prefix + after))
            }
            call.check = Self.expects("ListBucketResult")
            let root = try document(perform(call).result.get(), "\(location)")
            guard try page(self.page(root)) else { return }
            guard root.text(of: "IsTruncated") == "true" else { return }
            guard let next = root.text(of: "NextContinuationToken"), !next.isEmpty,
                !(token.map { $0.hasSameBytes(as: next) } ?? false)
            else { throw S3Error(.damaged, "the server's listing does not go on", key: "\(location)") }
            token = next
        }
    }

    /// Removes objects, up to 1,000 with each request; what does not exist counts as removed.
    /// - Returns: the keys that were not removed, with the reasons.
    /// - Throws: `S3Error` if a request failed as a whole; some of the objects are then removed.
    public func delete(_ keys: [String]) throws(S3Error) -> [(key: String, error: S3Error)] {
        var failures: [(key: String, error: S3Error)] = []
        for key in keys { _ = try checked(key) }
        let (plain, odd) = (keys.filter(XMLText.isWritable), keys.filter { !XMLText.isWritable($0) })
        for start in stride(from: 0, to: plain.count, by: 1000) {
            failures += try deleteSome(Array(plain[start..<min(plain.count, start + 1000)]))
        }
        for key in odd {
            var call = S3Call("remove the object", .DELETE, key)
            call.successes = [200, 204]
            if case .failure(let error) = try perform(call).result, error.code != .absent {
                failures.append((key, error))
            }
        }
        return failures
    }

    /// Lists the uploads in parts that were neither completed nor aborted.
    /// - Parameter prefix: what the keys begin with, relative to the location's prefix.
    public func unfinishedUploads(_ prefix: String) throws(S3Error) -> [S3Upload] {
        var uploads: [S3Upload] = []
        var marker: (key: String, id: String)?
        while true {
            var call = S3Call("list unfinished uploads", .GET, nil)
            // radosgw 16 encodes keys on request, but neither says so nor encodes the markers: nothing is requested.
            call.query = [("uploads", ""), ("prefix", location.prefix + prefix)]
            if let marker { call.query += [("key-marker", marker.key), ("upload-id-marker", marker.id)] }
            call.check = Self.expects("ListMultipartUploadsResult")
            let root = try document(perform(call).result.get(), "\(location)")
            for upload in root.all("Upload") {
                guard let key = relative(upload.text(of: "Key"), false), let id = upload.text(of: "UploadId") else {
                    continue
                }
                uploads.append(S3Upload(key: key, id: id, begun: Self.time(upload.text(of: "Initiated"))))
            }
            guard root.text(of: "IsTruncated") == "true" else { return uploads }
            let next = (
                key: root.text(of: "NextKeyMarker") ?? "", id: root.text(of: "NextUploadIdMarker") ?? ""
            )
            guard !next.key.isEmpty,
                !(marker.map { $0.key.hasSameBytes(as: next.key) && $0.id.hasSameBytes(as: next.id) } ?? false)
            else { throw S3Error(.damaged, "the server's listing does not go on", key: "\(location)") }
            marker = next
        }
    }

    /// Aborts an upload in parts and frees what its parts take. Does nothing if it is not known any more.
    public func abort(_ upload: S3Upload) throws(S3Error) {
        var call = try S3Call("abort the upload", .DELETE, checked(upload.key))
        call.query = [("uploadId", upload.id)]
        call.successes = [200, 204]
        do {
            _ = try perform(call).result.get()
        } catch {
            if error.code != .absent { throw error }
        }
    }

    // MARK: -

    /// Faults for good answers whose document has another root, as proxies make them.
    static func expects(_ name: String) -> @Sendable (S3Answer) -> S3Fault? {
        { answer in
            guard (try? XMLReader.root(of: answer.body))?.name != name else { return nil }
            return S3Fault(
                error: S3Error(
                    .damaged, "the server's answer is not a \(name)",
                    hint: "check that the endpoint is that of an S3 server"), retry: .yes)
        }
    }

    private func page(_ root: XMLElement) -> S3Page {
        let isEncoded = root.text(of: "EncodingType") == "url"
        var page = S3Page()
        for child in root.children {
            switch child.name {
            case "Contents":
                guard let key = relative(child.text(of: "Key"), isEncoded),
                    let size = child.text(of: "Size").flatMap({ UInt64($0) })
                else {
                    page.unreadable += 1
                    continue
                }
                page.objects.append(
                    S3Object(
                        key: key, size: size, etag: (child.text(of: "ETag") ?? "").filter { $0 != "\"" },
                        modified: Self.time(child.text(of: "LastModified"))))
            case "CommonPrefixes":
                if let folder = relative(child.text(of: "Prefix"), isEncoded) {
                    page.folders.append(folder)
                } else {
                    page.unreadable += 1
                }
            default: continue
            }
        }
        return page
    }

    private func deleteSome(_ keys: [String]) throws(S3Error) -> [(key: String, error: S3Error)] {
        var body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
        for key in keys { body += "<Object><Key>\(XMLText.escaped(location.prefix + key))</Key></Object>" }
        let bytes = Array((body + "</Delete>").utf8)
        var call = S3Call("remove objects", .POST, nil)
        call.query = [("delete", "")]
        call.headers = [("content-type", "application/xml"), ("content-md5", Base64.text(MD5.digest(bytes)))]
        call.setBody(bytes)
        call.check = Self.expects("DeleteResult")
        let root = try document(perform(call).result.get(), "\(location)")
        return root.all("Error").compactMap { error in
            let code = error.text(of: "Code") ?? ""
            guard let key = relative(error.text(of: "Key"), false), code != "NoSuchKey" else { return nil }
            let words = Escape.display(String((error.text(of: "Message") ?? code).prefix(200)))
            return (
                key,
                S3Error(
                    code == "AccessDenied" ? .denied : code == "SlowDown" ? .unavailable : .refused,
                    "cannot remove the object: \(words)", key: key, status: 200, identifier: Escape.display(code))
            )
        }
    }

    /// A key of an answer, relative to the location's prefix; nil if it is not UTF-8 or outside of the prefix.
    private func relative(_ text: String?, _ isEncoded: Bool) -> String? {
        guard let text, let key = Self.decoded(text, isEncoded), key.hasBytePrefix(location.prefix) else { return nil }
        return String(Substring(key.utf8.dropFirst(location.prefix.utf8.count)))
    }

    /// Servers encode a space as `+` or as `%20`, and a plus always as `%2B`.
    private static func decoded(_ text: String, _ isEncoded: Bool) -> String? {
        isEncoded ? Percent.decode(text, plusIsSpace: true) : text
    }

    private static func time(_ text: String?) -> Int64 {
        text.flatMap { ISO8601.milliseconds($0) }.map { $0 &* 1_000_000 } ?? 0
    }
}
