import Foundation
import Testing

@testable import S3

/// What a client does when the server or the way to it misbehaves.
@Suite struct FaultTests {
    private static let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    private static let tag = "\"0123\""

    /// A client of a server that answers as the handler says.
    private func with(
        tries: Int = 8, stall: Int64 = 5000,
        _ handler: @escaping @Sendable (TestServer.Request, Int) -> TestServer.Answer,
        _ body: (S3Client, TestServer) throws -> Void
    ) throws {
        let server = TestServer(handler)
        defer { server.stop() }
        let client = try TestClients.client(server.url) { ($0.tries, $0.stallTimeout) = (tries, stall) }
        defer { client.close() }
        try body(client, server)
    }

    private static func part(_ range: Range<Int>, as shown: Range<Int>? = nil, count: Int? = nil) -> TestServer.Answer {
        let shown = shown ?? range
        return .respond(
            206, ["ETag": tag, "Content-Range": "bytes \(shown.lowerBound)-\(shown.upperBound - 1)/1000"],
            Array(content[range].prefix(count ?? .max)), length: range.count)
    }

    @Test(arguments: [
        (500, "InternalError"), (503, "SlowDown"), (503, "ServiceUnavailable"), (429, ""), (400, "RequestTimeout"),
    ])
    func requestsAreRepeatedWhenTheServerIsInTrouble(_ status: Int, _ code: String) throws {
        let isSlow = status == 503 || status == 429
        try with { _, index in
            index < 3 ? .error(status, code) : .respond(200, ["ETag": Self.tag], Self.content)
        } _: { client, server in
            let found1 = try client.read("k")
            #expect(found1 == Self.content)
            let counts = client.counts
            #expect(server.requests.count == 4)
            // Halved three times from eight, and grown once.
            #expect(
                [counts.requests, counts.retries, counts.slowed, UInt64(counts.parallel)]
                    == (isSlow ? [4, 3, 3, 2] : [4, 3, 0, 8]))
        }
    }

    @Test func triesAreBounded() throws {
        try with { _, _ in
            .error(500, "InternalError")
        } _: { client, server in
            let error = expectFailure(.unavailable) { try client.get("k", nil, ifMatch: nil) }
            #expect(server.requests.count == 8)
            #expect(error?.message.contains("8 tries") == true && error?.status == 500, "\(String(describing: error))")
        }
    }

    @Test(arguments: [
        (403, "AccessDenied", S3Error.Code.denied), (403, "SignatureDoesNotMatch", .denied),
        (404, "NoSuchKey", .absent),
        (404, "NoSuchBucket", .invalid), (400, "InvalidRequest", .refused), (403, "QuotaExceeded", .full),
        (507, "", .full), (501, "NotImplemented", .refused),
    ]) func aRefusalIsNotRepeated(_ status: Int, _ code: String, _ expected: S3Error.Code) throws {
        try with { _, _ in
            .error(status, code)
        } _: { client, server in
            let error = expectFailure(expected) { try client.get("k", nil, ifMatch: nil) }
            #expect(server.requests.count == 1 && error?.status == status && error?.key == "k")
            #expect(code.isEmpty || error?.identifier == code)
        }
    }

    @Test func cutBodiesAndResetsAreRepeated() throws {
        try with { _, index in
            switch index {
            case 0: .lost
            case 1: .respond(200, ["ETag": Self.tag], Array(Self.content.prefix(400)), length: 1000)
            case 2: .cut(Array("HTTP/1.1 200 OK\r\nContent-Le".utf8))
            case 3: .cut(Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".utf8))
            default: .respond(200, ["ETag": Self.tag], Self.content)
            }
        } _: { client, server in
            let found2 = try client.read("k")
            #expect(found2 == Self.content)
            #expect(server.requests.count == 5)
        }
    }

    @Test func anAnswerWithAnotherRangeIsNeverUsed() throws {
        try with { _, index in
            switch index {
            case 0: Self.part(101..<201)
            case 1: Self.part(101..<201, as: 100..<200, count: 99)
            case 2: .respond(200, ["ETag": Self.tag], Array(Self.content.prefix(100)))
            case 3: .respond(206, ["ETag": Self.tag], Array(Self.content[100..<200]))
            case 4:
                .respond(206, ["ETag": Self.tag, "Content-Range": "bytes 100-199/150"], Array(Self.content[100..<200]))
            case 5:
                .respond(
                    206, ["ETag": Self.tag, "Content-Range": "bytes 100-149/1000"], Array(Self.content[100..<150]))
            default: Self.part(100..<200)
            }
        } _: { client, server in
            let got = try client.get("k", 100..<200, ifMatch: nil)
            #expect(got.bytes == Array(Self.content[100..<200]) && got.object.size == 1000 && got.object.etag == "0123")
            #expect(server.requests.count == 7)
        }
        try with { _, _ in
            Self.part(0..<100)
        } _: { client, _ in
            expectFailure(.damaged) { try client.get("k", 100..<200, ifMatch: nil) }
        }
    }

    @Test func rangesAtTheEndAreAsLongAsTheObject() throws {
        try with { request, _ in
            switch request["range"] {
            case "bytes=900-1099": Self.part(900..<1000)
            case "bytes=-48": Self.part(952..<1000)
            // The whole of a short object needs no part.
            case "bytes=-5000": .respond(200, ["ETag": Self.tag], Self.content)
            default: .error(416, "InvalidRange")
            }
        } _: { client, _ in
            let found3 = try client.read("k", 900..<1100)
            #expect(found3 == Array(Self.content[900...]))
            let found4 = try client.readEnd("k", 48)
            #expect(found4 == Array(Self.content.suffix(48)))
            let found5 = try client.readEnd("k", 5000)
            #expect(found5 == Self.content)
            expectFailure(.refused) { try client.get("k", 1000..<1001, ifMatch: nil) }
            // Many ranges at once promise to be whole.
            try client.get([(key: "k", range: 900..<1100)]) { _, result in
                expectFailure(.damaged) { try result.get() }
                return true
            }
        }
    }

    @Test func anObjectThatIsReplacedMeanwhileIsAnError() throws {
        try with { request, _ in
            // Ignores the condition, as some servers do.
            request["if-match"] == "\"0123\""
                ? .respond(200, ["ETag": "\"4567\""], Self.content) : .error(412, "PreconditionFailed")
        } _: { client, server in
            expectFailure(.damaged) { try client.get("k", nil, ifMatch: "0123") }
            expectFailure(.damaged) { try client.get("k", nil, ifMatch: "89ab") }
            #expect(server.requests.count == 2)
        }
    }

    @Test func rangesAreDeliveredInTheirOrder() throws {
        try with { request, index in
            let bounds = (request["range"] ?? "").dropFirst(6).split(separator: "-").compactMap { Int($0) }
            guard bounds.count == 2 else { return .error(400, "InvalidRequest") }
            if index % 5 == 1 { return .error(503, "SlowDown") }
            return Self.part(bounds[0]..<bounds[1] + 1)
        } _: { client, server in
            let starts: [UInt64] = (0..<100).map { $0 * 10 }
            let requests = starts.map { (key: "k", range: $0..<$0 + 10) }
            var (order, bytes): ([Int], [UInt8]) = ([], [])
            try client.get(requests) { index, result in
                order.append(index)
                if let part = try? result.get() { bytes += part }
                return true
            }
            #expect(order == Array(0..<100) && bytes == Self.content)
            let before = server.requests.count
            order = []
            try client.get(requests) { index, _ in
                order.append(index)
                return index < 2
            }
            #expect(order == [0, 1, 2] && server.requests.count - before < 40)
        }
    }

    @Test func aClockThatDiffersIsCorrectedOnce() throws {
        let hour: TimeInterval = 3600
        let format = DateFormatter()
        (format.locale, format.timeZone) = (Locale(identifier: "en_US_POSIX"), TimeZone(identifier: "UTC"))
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let date = format.string(from: Date() + hour)
        try with { _, index in
            index == 0
                ? .error(403, "RequestTimeTooSkewed", ["Date": date]) : .respond(200, ["ETag": Self.tag], Self.content)
        } _: { client, server in
            _ = try client.get("k", nil, ifMatch: nil)
            _ = try client.get("k", nil, ifMatch: nil)
            #expect(abs(client.counts.clockOffset - 3_600_000) < 60_000)
            let stamps = server.requests.compactMap { $0["x-amz-date"] }
            #expect(stamps.count == 3 && stamps[0].prefix(11) != stamps[1].prefix(11))
        }
        try with { _, _ in
            .error(403, "RequestTimeTooSkewed", ["Date": date])
        } _: { client, server in
            let error = expectFailure(.denied) { try client.get("k", nil, ifMatch: nil) }
            #expect(server.requests.count == 2 && error?.hint?.contains("clock") == true)
        }
    }

    @Test func aSilentOrSlowServerIsGivenUp() throws {
        let slow = Array("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx".utf8)
        try with(tries: 2, stall: 100) { _, index in
            if index % 2 == 0 { Thread.sleep(forTimeInterval: 0.3) }
            return .bytes(slow)
        } _: { client, server in
            expectFailure(.unavailable) { try client.get("k", nil, ifMatch: nil) }
            #expect(server.requests.count == 2)
        }
    }

    @Test func aPageOfAProxyDoesNotSayThatAnObjectIsAbsent() throws {
        try with { _, _ in
            .respond(404, ["Content-Type": "text/html"], text: "<html><body>Not found</body></html>")
        } _: {
            client, _ in
            expectFailure(.unavailable) { try client.get("k", nil, ifMatch: nil) }
            expectFailure(.unavailable) { try client.head("k") }
        }
        try with { request, _ in
            request.method == "HEAD" ? .respond(404) : .error(404, "NoSuchBucket")
        } _: { client, _ in
            expectFailure(.invalid) { try client.head("k") }
        }
        try with { request, _ in
            request.method == "HEAD" ? .respond(404) : .error(404, "NoSuchKey")
        } _: { client, _ in
            let found6 = try client.head("k")
            #expect(found6 == nil)
        }
        try with { _, _ in
            .respond(200, text: "<html><body>Welcome</body></html>")
        } _: { client, _ in
            expectFailure(.damaged) { try client.list("", after: nil, delimiter: nil) { _ in true } }
            expectFailure(.damaged) { _ = try client.delete(["k"]) }
        }
    }

    @Test func aBucketOfAnotherRegionIsNamed() throws {
        try with { _, _ in
            .error(301, "PermanentRedirect", ["x-amz-bucket-region": "eu-west-3"])
        } _: { client, server in
            let error = expectFailure(.invalid) { try client.get("k", nil, ifMatch: nil) }
            #expect(error?.hint?.contains("region: eu-west-3") == true && server.requests.count == 1)
        }
    }

    @Test func aListingThatDoesNotGoOnIsAnError() throws {
        try with { _, _ in
            .respond(
                200,
                text: """
                    <ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>
                    <Contents><Key>a</Key><Size>1</Size><ETag>&quot;e&quot;</ETag></Contents></ListBucketResult>
                    """)
        } _: { client, server in
            expectFailure(.damaged) { try client.list("", after: nil, delimiter: nil) { _ in true } }
            #expect(server.requests.count == 2)
        }
    }

    @Test func secretsAreInNoErrorAndNoRequestButTheSignature() throws {
        try with { request, _ in
            .respond(
                403,
                text: "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><StringToSign>\(request.target)"
                    + "</StringToSign><SignatureProvided>\(request["authorization"] ?? "")</SignatureProvided></Error>")
        } _: { client, server in
            let error = expectFailure(.denied) { try client.get("k", nil, ifMatch: nil) }
            let words = String(reflecting: error)
            let sent = String(reflecting: server.requests)
            #expect(
                !words.contains(TestClients.secret) && !words.contains("Signature=")
                    && !sent.contains(TestClients.secret))
            let keys = try TestClients.keys()
            var dumped = ""
            dump(keys, to: &dumped)
            #expect(!"\(keys)\(String(reflecting: keys))\(dumped)".contains(TestClients.secret))
        }
    }
}
