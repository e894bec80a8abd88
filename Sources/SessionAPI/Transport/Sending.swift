internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
import SessionModel
internal import Synchronization

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The parts of a request.
struct Call {
    var operation: APIOperation
    var method: HTTPMethod
    var endpoint: Endpoint
    /// The session it is about.
    var session: String?
    /// Values besides the session that the server may repeat in an error.
    var sent: [String] = []
    var accept = "application/json"
    var body: [UInt8]?
    var lane = Lane.requests
}

/// A response whose head has arrived.
struct Answer {
    var response: HTTPClientResponse
    var context: RequestContext

    var status: Int { Int(response.status.code) }
}

extension SessionAPIClient {
    /// Makes an endpoint of the base URL and path segments.
    func endpoint(_ segments: String...) -> Endpoint {
        var endpoint = Endpoint(base: base)
        for segment in segments { endpoint.segment(segment) }
        return endpoint
    }

    /// Sends a request and returns the response if its status is a success of the operation. The body is not read yet.
    nonisolated(nonsending) func send(_ call: Call, _ record: inout CallRecord) async throws(APIError) -> Answer {
        let limit = CallLimit(configuration.callTimeout)
        var context = RequestContext(operation: call.operation, session: call.session, limit: limit)
        let token = try await token(context)
        context.redaction = Redaction(token: token, sent: call.sent + [call.session].compactMap { $0 })
        var request = HTTPClientRequest(url: call.endpoint.url)
        request.method = call.method
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        request.headers.add(name: "accept", value: call.accept)
        request.headers.add(name: "accept-encoding", value: "identity")
        request.headers.add(name: "user-agent", value: configuration.userAgent)
        let body = call.body.map(RequestBody.init)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .stream(body, length: .known(Int64(body.bytes.count)))
        }
        let response: HTTPClientResponse
        do {
            response = try await transports[call.lane].execute(request, deadline: headDeadline(limit))
        } catch {
            context.wasSent = body?.wasAskedFor
            throw context.failure(error, during: .head)
        }
        let answer = Answer(response: response, context: context)
        record.status = answer.status
        guard call.operation.successes.contains(answer.status) else { throw await refusal(answer) }
        return answer
    }

    private func headDeadline(_ limit: CallLimit?) -> NIODeadline {
        let left = limit.map { max(.zero, min($0.end - .now, configuration.headTimeout)) }
        return .now() + TimeAmount(left ?? configuration.headTimeout)
    }

    /// Sends a request and decodes its JSON response.
    nonisolated(nonsending) func answer<Value: Decodable>(
        _ type: Value.Type, _ call: Call
    ) async throws(APIError) -> Value {
        try await recorded(call.operation, call.session) { (record) async throws(APIError) in
            let answer = try await send(call, &record)
            let body = try await self.body(answer)
            if let error = disguised(body, answer) { throw error }
            return try decoded(type, body, answer)
        }
    }

    /// Sends a request whose response has nothing but a status.
    nonisolated(nonsending) func acknowledged(_ call: Call) async throws(APIError) {
        try await recorded(call.operation, call.session) { (record) async throws(APIError) in
            let answer = try await send(call, &record)
            // Read it to the end, so that the connection can be reused.
            let body = try await self.body(answer)
            if let error = disguised(body, answer) { throw error }
            // A proxy's page, or an error in another form, does not confirm the request.
            guard body.allSatisfy({ $0 <= 0x20 }) || (try? decoded(Acknowledgement.self, body, answer)) != nil else {
                throw invalid(answer, "the response is not what the API promises", body)
            }
        }
    }

    /// Reads the whole body of a response.
    nonisolated(nonsending) private func body(_ answer: Answer) async throws(APIError) -> [UInt8] {
        let limit = configuration.maximumAnswer
        var body: [UInt8] = []
        for try await chunk in stream(answer, within: configuration.answerTimeout) {
            guard body.count + chunk.count <= limit else {
                throw answer.context.error(.invalidAnswer, "the response is larger than \(limit) bytes")
            }
            chunk.withUnsafeBytes { body.append(contentsOf: $0) }
        }
        return body
    }

    private func decoded<Value: Decodable>(
        _ type: Value.Type, _ body: [UInt8], _ answer: Answer
    ) throws(APIError) -> Value {
        let decoder = JSONDecoder()
        decoder.userInfo[.keepsSessionEnvironment] = configuration.keepsEnvironment
        // One invalid character must not hide the rest of the response.
        if let mended = try? decoder.decode(type, from: Data(JSONMender.mended(body))) { return mended }
        do {
            return try decoder.decode(type, from: Data(body))
        } catch {
            throw invalid(answer, body.isEmpty ? "the response is empty" : AnswerFault.words(error), body)
        }
    }

    /// The API error in a response with a success status; nil when there is none.
    func disguised(_ body: [UInt8], _ answer: Answer) -> APIError? {
        guard body.contains(UInt8(ascii: "{")) else { return nil }
        return body.withUnsafeBytes {
            APIError.inSuccess(
                answer.context.operation, session: answer.context.session, status: answer.status, body: $0,
                retryAfter: Self.retryAfter(answer.response), redaction: answer.context.redaction)
        }
    }

    /// Makes the error for a response that does not follow the API's description.
    private func invalid(_ answer: Answer, _ complaint: String, _ body: [UInt8]) -> APIError {
        var error = answer.context.error(.invalidAnswer, complaint)
        error.status = answer.status
        error.retryAfter = Self.retryAfter(answer.response)
        error.bodyExcerpt = body.withUnsafeBytes { APIError.excerpt($0, answer.context.redaction) }
        return error
    }

    /// The body of a response as a stream, which must end within `limit` of `begun` if there is a limit.
    func stream(
        _ answer: Answer, stalls: Bool = true, within limit: Duration? = nil,
        since begun: ContinuousClock.Instant = .now
    ) -> ByteStream {
        var pace = BodyPace()
        if stalls {
            pace.stall = configuration.stallTimeout
            pace.slowest = configuration.slowestBody
        }
        if let limit { pace.end = (limit, begun + limit) }
        if let call = answer.context.limit, pace.end.map({ call.end < $0.moment }) ?? true {
            pace.end = (call.length, call.end)
        }
        return ByteStream(
            body: answer.response.body, context: answer.context, pace: pace, framing: BodyHead(answer.response).framing)
    }

    /// Encodes a request body as JSON.
    func json(_ value: some Encodable, _ operation: APIOperation) throws(APIError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Array(try encoder.encode(value))
        } catch {
            throw APIError(.invalidArgument, operation: operation, message: "the request cannot be encoded as JSON")
        }
    }

    private func token(_ context: RequestContext) async throws(APIError) -> String {
        let token: String
        do {
            let source = configuration.token
            token = try await untilDone(by: context.limit?.end) { try await source() }
        } catch let error as APIError {
            throw error
        } catch is CancellationError {
            throw context.error(.cancelled, "cancelled", mayHaveActed: false)
        } catch is CallOverdue {
            let overdue = context.limit.map { "\($0): " } ?? ""
            throw context.error(.timeout, overdue + "still waiting for the token", mayHaveActed: false)
        } catch {
            throw context.error(.noToken, "cannot get the token: \(error)")
        }
        // Other characters could end the header early and inject another.
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw context.error(
                .noToken, token.isEmpty ? "the token is empty" : "the token contains an invalid character")
        }
        return token
    }

    /// Makes the error for a response with a status that is not a success of the operation.
    private func refusal(_ answer: Answer) async -> APIError {
        var body: [UInt8] = []
        do {
            for try await chunk in stream(answer, within: .seconds(10)) {
                chunk.withUnsafeBytes { body.append(contentsOf: $0.prefix(65_536 - body.count)) }
                if body.count == 65_536 { break }
            }
        } catch {
            // The part of the server's error that arrived is worth more than the fact that it is truncated.
        }
        if (200...299).contains(answer.status) {
            let promised = answer.context.operation.successes.map(String.init).joined(separator: " or ")
            return disguised(body, answer)
                ?? invalid(answer, "the server sent status \(answer.status); the API promises \(promised)", body)
        }
        return body.withUnsafeBytes {
            APIError.answer(
                answer.context.operation, session: answer.context.session, status: answer.status, body: $0,
                retryAfter: Self.retryAfter(answer.response), redaction: answer.context.redaction)
        }
    }

    static func retryAfter(_ response: HTTPClientResponse) -> Double? {
        response.headers.first(name: "retry-after").flatMap {
            RetryAfter.seconds(
                $0, serverDate: response.headers.first(name: "date"), now: Int64(Date().timeIntervalSince1970))
        }
    }
}

/// The only body allowed in a success response that the API documents as empty: an object that reports no error.
private struct Acknowledgement: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        guard !["code", "message", "error"].contains(where: { container.contains(AnyKey($0)) }) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "reports an error"))
        }
    }
}

/// A request body that records whether it was read. That happens once a connection is established and the head is being
/// written: before that, the server cannot have seen the request.
private struct RequestBody: AsyncSequence, Sendable {
    fileprivate final class Flag: Sendable {
        let wasAsked = Atomic<Bool>(false)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var rest: ByteBuffer?
        fileprivate let flag: Flag

        mutating func next() async -> ByteBuffer? {
            flag.wasAsked.store(true, ordering: .relaxed)
            defer { rest = nil }
            return rest
        }
    }

    let bytes: [UInt8]
    private let flag = Flag()

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var wasAskedFor: Bool { flag.wasAsked.load(ordering: .relaxed) }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: ByteBuffer(bytes: bytes), flag: flag) }
}

/// Describes why a response cannot be decoded.
enum AnswerFault {
    static func words(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the response cannot be decoded" }
        switch error {
        case .keyNotFound(let key, let context):
            return "the response lacks the field \(path(context.codingPath + [key]))"
        case .valueNotFound(_, let context) where !context.codingPath.isEmpty:
            return "the response's field \(path(context.codingPath)) is null"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            guard !context.codingPath.isEmpty else { return "the response is not a JSON object" }
            return "the response's field \(path(context.codingPath)) has another type than documented"
        case .dataCorrupted(let context):
            guard !context.codingPath.isEmpty else { return "the response is not valid JSON" }
            return "the response's field \(path(context.codingPath)) \(context.debugDescription)"
        @unknown default: return "the response cannot be decoded"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + key.stringValue
            }
        }
    }
}
