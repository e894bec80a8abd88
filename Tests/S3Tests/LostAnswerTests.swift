import Foundation
import Synchronization
import Testing

@testable import S3

/// Writes whose answer does not arrive, or does not mean what its status says.
@Suite struct LostAnswerTests {
    /// What a server remembers of an object.
    private final class Stored: Sendable {
        let object = Mutex<(owner: String, size: Int)?>(nil)
    }

    private func with(
        partSize: Int = 16 << 20, _ handler: @escaping @Sendable (TestServer.Request, Int) -> TestServer.Answer,
        _ body: (S3Client, TestServer) throws -> Void
    ) throws {
        let server = TestServer(handler)
        defer { server.stop() }
        let client = try TestClients.client(server.url) { $0.partSize = partSize }
        defer { client.close() }
        try body(client, server)
    }

    private static func head(_ owner: String, _ size: Int) -> TestServer.Answer {
        .head(size, ["ETag": "\"0123\"", S3Client.ownerHeader: owner])
    }

    @Test(arguments: [true, false]) func aRepeatedPutRecognizesItsOwnObject(_ isOwn: Bool) throws {
        let stored = Stored()
        try with { request, index in
            switch (request.method, index) {
            case ("PUT", 0):
                stored.object.withLock { $0 = (request[S3Client.ownerHeader] ?? "", request.body.count) }
                return .lost
            case ("PUT", _): return .error(412, "PreconditionFailed")
            default:
                let object = stored.object.withLock { $0 } ?? (owner: "", size: 0)
                return Self.head(isOwn ? object.owner : "another", object.size)
            }
        } _: { client, server in
            if isOwn {
                let object = try client.put("k", [1, 2, 3], replaces: false)
                #expect(object.etag == "0123" && object.size == 3)
            } else {
                expectFailure(.exists) { try client.put("k", [1, 2, 3], replaces: false) }
            }
            #expect(server.requests.map(\.method) == ["PUT", "PUT", "HEAD"])
            #expect(server.requests[0]["if-none-match"] == "*")
            #expect(server.requests[0]["authorization"]?.contains("if-none-match") == true)
        }
    }

    @Test func aFirstRefusalIsBelieved() throws {
        try with { _, _ in
            .error(412, "PreconditionFailed")
        } _: { client, server in
            expectFailure(.exists) { try client.put("k", [1], replaces: false) }
            #expect(server.requests.count == 1)
        }
    }

    @Test func aServerWithoutConditionsIsAskedBefore() throws {
        try with { request, _ in
            if request["if-none-match"] != nil { return .error(501, "NotImplemented") }
            switch request.method {
            case "PUT": return .respond(200, ["ETag": "\"0123\""])
            case "HEAD": return request.target.hasSuffix("old") ? Self.head("x", 1) : .respond(404)
            default: return .error(404, "NoSuchKey")
            }
        } _: { client, server in
            let found1 = try client.put("new", [1], replaces: false).etag
            #expect(found1 == "0123")
            expectFailure(.exists) { try client.put("old", [1], replaces: false) }
            #expect(server.requests.count { $0["if-none-match"] != nil } == 1)
        }
    }

    @Test func thePayloadIsSignedWithItsHash() throws {
        try with { _, _ in
            .respond(200, ["ETag": "\"0123\""])
        } _: { client, server in
            _ = try client.put("k", Array("Welcome to Amazon S3.".utf8), replaces: true)
            #expect(
                server.requests[0]["x-amz-content-sha256"]
                    == "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
        }
    }

    /// A server of uploads in parts, whose completion answers as told.
    private func upload(
        _ completion: @escaping @Sendable (Int) -> TestServer.Answer, isThere: Bool = true, tail: UInt8 = 7
    ) throws -> (result: Result<S3Object, any Error>, requests: [TestServer.Request]) {
        let size = 2500
        let stored = Stored()
        let completions = Mutex(0)
        let path = "\(NSTemporaryDirectory())/upload-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(repeating: 7, count: size).write(to: URL(fileURLWithPath: path))
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        var outcome: (Result<S3Object, any Error>, [TestServer.Request])?
        try with(partSize: 1000) { request, _ in
            switch (request.method, request.target) {
            case ("POST", let target) where target.contains("uploads"):
                stored.object.withLock { $0 = (request[S3Client.ownerHeader] ?? "", size) }
                return .respond(
                    200,
                    text: "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>")
            case ("PUT", _): return .respond(200, ["ETag": "\"part\""])
            case ("POST", _):
                return completion(
                    completions.withLock { count in
                        count += 1
                        return count - 1
                    })
            case ("HEAD", _):
                guard completions.withLock({ $0 > 0 }), isThere else { return .respond(404) }
                return Self.head(stored.object.withLock { $0?.owner ?? "" }, size)
            case ("DELETE", _): return .respond(204)
            default:
                guard completions.withLock({ $0 > 0 }), isThere else { return .error(404, "NoSuchKey") }
                return .respond(
                    206, ["ETag": "\"0123\"", "Content-Range": "bytes \(size - 48)-\(size - 1)/\(size)"],
                    [UInt8](repeating: tail, count: 48))
            }
        } _: { client, server in
            let result = Result { try client.upload("k", from: file.fileDescriptor, size: UInt64(size)) }
            outcome = (result, server.requests)
        }
        return try #require(outcome)
    }

    private static let good = TestServer.Answer.respond(
        200,
        text:
            "  \n<?xml version='1.0'?><CompleteMultipartUploadResult><ETag>\"0123\"</ETag></CompleteMultipartUploadResult>"
    )

    @Test func anUploadInPartsIsReadBack() throws {
        let (result, requests) = try upload { _ in Self.good }
        #expect(try result.get().size == 2500 && result.get().etag == "0123")
        let parts = requests.filter { $0.method == "PUT" }
        #expect(parts.map(\.body.count).sorted() == [500, 1000, 1000])
        #expect(Set(parts.map(\.target)).count == 3 && parts.allSatisfy { $0.target.contains("uploadId=u%2F1") })
        let body = String(decoding: requests.last { $0.method == "POST" }?.body ?? [], as: UTF8.self)
        #expect(body.contains("<PartNumber>3</PartNumber><ETag>&quot;part&quot;</ETag>"))
        #expect(requests.last?["range"] == "bytes=-48")
    }

    @Test func anErrorWithStatus200IsAnError() throws {
        let error = TestServer.Answer.error(200, "InternalError")
        let (result, requests) = try upload { $0 == 0 ? error : Self.good }
        #expect(try result.get().size == 2500)
        #expect(requests.count { $0.method == "POST" } == 3)
        let (denied, others) = try upload { _ in TestServer.Answer.error(200, "AccessDenied") }
        expectFailure(.denied) { try denied.get() }
        #expect(others.last?.method == "DELETE", "the upload is aborted")
    }

    @Test func aCompletionWhoseAnswerWasLostIsRecognized() throws {
        let (result, _) = try upload { $0 == 0 ? .lost : .error(404, "NoSuchUpload") }
        #expect(try result.get().etag == "0123")
        let (gone, requests) = try upload({ $0 == 0 ? .lost : .error(404, "NoSuchUpload") }, isThere: false)
        expectFailure(.absent) { try gone.get() }
        #expect(requests.last?.method == "DELETE")
    }

    @Test func anObjectWithAnotherEndIsDamaged() throws {
        let (result, _) = try upload({ _ in Self.good }, tail: 8)
        expectFailure(.damaged) { try result.get() }
    }

    @Test func partsGrowSoThatThereAreAtMostNineThousand() {
        #expect(S3Client.partSize(1 << 30, least: 16 << 20) == 16 << 20)
        for size: UInt64 in [1 << 37, 144_000 << 20, 144_001 << 20, 5 << 40] {
            let part = S3Client.partSize(size, least: 16 << 20)
            #expect((size + part - 1) / part <= 9000 && part % (1 << 20) == 0)
        }
    }
}
