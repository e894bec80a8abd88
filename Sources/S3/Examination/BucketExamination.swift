internal import Calendar
internal import Clocks
internal import NIOHTTP1

extension S3Client {
    /// Tries what a store needs of the bucket, with small objects of its own under `salvage-probe/` in the prefix, which it
    /// removes. Never throws: what fails is a fact. Takes as long as retries take if the server cannot be reached.
    public func examine() -> S3Examination {
        var examination = BucketExamination(client: self)
        examination.run()
        return examination.result
    }
}

/// Examines a bucket.
struct BucketExamination {
    let client: S3Client
    var result = S3Examination()
    private let key = "salvage-probe/\(S3Client.newOwner())"
    /// Every byte differs from its neighbors, so that a shifted range is noticed.
    private let bytes = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    init(client: S3Client) { self.client = client }

    mutating func run() {
        transport()
        guard reach() else { return }
        if write() {
            read()
            conditions()
            parts()
            remove()
        }
        result.facts += BucketRules(client: client).facts
    }

    mutating func add(_ name: String, _ grade: S3Examination.Grade, _ message: String, hint: String? = nil) {
        result.facts.append(S3Examination.Fact(name, grade, message, hint: hint))
    }

    mutating func add(_ name: String, _ error: S3Error) {
        add(name, .failure, error.message, hint: error.hint)
    }

    // MARK: Steps

    private mutating func transport() {
        let endpoint = client.loop.endpoint
        let host = endpoint.host
        if endpoint.scheme == "https" {
            add("bucket_tls", .ok, "requests to \(host) use TLS")
        } else if host.hasPrefix("127.") || host.hasPrefix("localhost") || host.hasPrefix("[::1]") {
            add("bucket_tls", .ok, "requests to \(host) stay on this machine, without TLS")
        } else {
            add(
                "bucket_tls", .warning,
                "requests to \(host) are not encrypted: whoever is on the way can read packs, but not change them",
                hint: "use an https endpoint outside of a network that you trust")
        }
    }

    /// Lists one key; false if there is no use in going on.
    private mutating func reach() -> Bool {
        var call = S3Call("list the bucket", .GET, nil)
        call.query = [("list-type", "2"), ("max-keys", "1"), ("prefix", client.location.prefix)]
        call.check = S3Client.expects("ListBucketResult")
        let begun = WallClock.now()
        do {
            let answer = try client.perform(call).result.get()
            add("bucket_list", .ok, "\(client.location) can be listed")
            clock(answer, begun: begun)
            return true
        } catch {
            add("bucket_list", error)
            return false
        }
    }

    private mutating func clock(_ answer: S3Answer, begun: Int64) {
        guard let seconds = answer.header("date").flatMap(HTTPDate.seconds) else {
            add("bucket_clock", .note, "the server does not say its time")
            return
        }
        // The header has whole seconds, cut off: half a second is the best guess of the rest.
        let ahead = seconds &* 1000 &+ 500 &- (begun &+ WallClock.now()) / 2
        result.clockOffset = ahead
        let grade: S3Examination.Grade = ahead.magnitude < 60_000 ? .ok : ahead.magnitude < 300_000 ? .note : .warning
        add(
            "bucket_clock", grade,
            ahead.magnitude < 2000
                ? "the clocks of this machine and of the server agree"
                : "the server's clock is \(ahead.magnitude / 1000) s \(ahead > 0 ? "ahead of" : "behind") this machine's",
            hint: grade == .ok ? nil : "servers refuse requests that differ by 15 minutes: run a time service")
    }

    private mutating func write() -> Bool {
        do {
            _ = try client.put(key, bytes, replaces: true)
            result.canWrite = true
            add("bucket_write", .ok, "objects can be written")
            return true
        } catch {
            if error.code == .denied {
                result.canWrite = false
                add(
                    "bucket_write", .note, "the keys may read the bucket but not write to it",
                    hint: "that is enough for queries; a harvester needs s3:PutObject and s3:DeleteObject on the prefix"
                )
            } else {
                add("bucket_write", error)
            }
            return false
        }
    }

    private mutating func read() {
        do {
            var times: [Int64] = []
            for _ in 0..<5 {
                let begun = MonotonicClock.nanoseconds()
                let all = try client.get(key, nil, ifMatch: nil)
                times.append((MonotonicClock.nanoseconds() - begun) / 1000)
                guard all.bytes == bytes else {
                    return add("bucket_read", damage("what is read is not what was written"))
                }
            }
            let median = times.sorted()[2]
            result.latency = median
            let slow = median > 100_000
            add(
                "bucket_read", slow ? .note : .ok,
                "a small object is read in \(median / 1000).\(median / 100 % 10) ms (median of 5)",
                hint: slow ? "searches wait for many reads: run them near the bucket" : nil)
            let part = try client.get(key, 100..<200, ifMatch: nil)
            let end = try client.end(of: key, 48)
            guard part.bytes == Array(bytes[100..<200]), end.bytes == Array(bytes.suffix(48)) else {
                return add("bucket_ranges", damage("ranges are not what was written"))
            }
            add("bucket_ranges", .ok, "ranges and the ends of objects can be read")
        } catch {
            add(result.latency == nil ? "bucket_read" : "bucket_ranges", error)
        }
    }

    private func damage(_ words: String) -> S3Error {
        S3Error(.damaged, words, hint: "check the server, and proxies on the way to it")
    }

    private mutating func conditions() {
        var call = S3Call("write the object", .PUT, key)
        call.headers = client.writingHeaders(S3Client.newOwner()) + [(name: "if-none-match", value: "*")]
        call.setBody(bytes)
        switch try? client.perform(call).result {
        case .success:
            result.honorsConditionalPut = false
            add(
                "bucket_conditional_put", .note,
                "the server ignores If-None-Match, so that it cannot keep an object from being replaced; salvage never "
                    + "writes a key twice")
        case .failure(let error) where error.status == 412:
            result.honorsConditionalPut = true
            add("bucket_conditional_put", .ok, "a PUT with If-None-Match does not replace an object")
        case .failure(let error) where error.status == 501:
            result.honorsConditionalPut = false
            add(
                "bucket_conditional_put", .note,
                "the server does not implement If-None-Match; salvage looks before it writes, and never writes a key twice"
            )
        case .failure(let error): add("bucket_conditional_put", error)
        case nil: break
        }
    }

    private mutating func parts() {
        do throws(S3Error) {
            let owner = S3Client.newOwner()
            let upload = try client.begin(key, owner)
            do throws(S3Error) {
                let part = try client.perform(client.partCall(upload, number: 1, bytes)).result.get()
                _ = try client.complete(upload, [part.etag ?? ""], UInt64(bytes.count), owner)
                result.honorsConditionalComplete = false
                add(
                    "bucket_multipart", .ok,
                    "uploads in parts work; the server replaces an object at their end in spite of If-None-Match, so "
                        + "salvage looks before, and never writes a key twice")
            } catch {
                try? client.abort(upload)
                guard error.code == .exists else { throw error }
                result.honorsConditionalComplete = true
                add("bucket_multipart", .ok, "uploads in parts work and do not replace an object")
            }
        } catch {
            add("bucket_multipart", error)
        }
    }

    private mutating func remove() {
        do throws(S3Error) {
            if let failure = try client.delete([key]).first { throw failure.error }
            guard try client.head(key) == nil else { throw damage("a removed object is still there") }
            add("bucket_delete", .ok, "objects can be removed")
        } catch {
            add("bucket_delete", .warning, error.message, hint: error.hint ?? "remove \(key) by hand")
        }
    }
}
