internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What a request is made of.
struct Call {
    var operation: APIOperation
    var method: HTTPMethod
    var endpoint: Endpoint
    /// The session it is about.
    var session: String?
    /// Values that the server may repeat in an error, beside the session.
    var sent: [String] = []
    var accept = "application/json"
    var body: [UInt8]?
    var lane = Lane.requests
}

/// An answer whose head has come with a status of success.
struct Answer {
    var response: HTTPClientResponse
    var context: RequestContext

    var status: Int { Int(response.status.code) }
}

extension SessionAPIClient {
    /// The base address as an endpoint to build on.
    func endpoint(_ segments: String...) -> Endpoint {
        var endpoint = Endpoint(base: base)
        for segment in segments { endpoint.segment(segment) }
        return endpoint
    }

    /// Sends a request and returns an answer that the operation promises, whose body has not been read.
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

    /// Sends a request and decodes its JSON answer.
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

    /// Sends a request whose answer says nothing beyond its status.
    nonisolated(nonsending) func acknowledged(_ call: Call) async throws(APIError) {
        try await recorded(call.operation, call.session) { (record) async throws(APIError) in
            let answer = try await send(call, &record)
            // Read to its end, so that the connection can be used again.
            let body = try await self.body(answer)
            if let error = disguised(body, answer) { throw error }
            // A page of a proxy, or an error in a form of its own, is no word that it was done.
            guard body.allSatisfy({ $0 <= 0x20 }) || (try? decoded(Acknowledgement.self, body, answer)) != nil else {
                throw invalid(answer, "the answer is not what the API promises", body)
            }
        }
    }

    /// The whole body of an answer.
    nonisolated(nonsending) private func body(_ answer: Answer) async throws(APIError) -> [UInt8] {
        let limit = configuration.maximumAnswer
        var body: [UInt8] = []
        for try await chunk in stream(answer, within: configuration.answerTimeout) {
            guard body.count + chunk.count <= limit else {
                throw answer.context.error(.invalidAnswer, "the answer is larger than \(limit) bytes")
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
        // One character that is none must not hide everything else that the answer says.
        if let mended = try? decoder.decode(type, from: Data(JSONMender.mended(body))) { return mended }
        do {
            return try decoder.decode(type, from: Data(body))
        } catch {
            throw invalid(answer, body.isEmpty ? "the answer is empty" : AnswerFault.words(error), body)
        }
    }

    /// The error that an answer of success holds instead of what was promised; nil when it does not.
    func disguised(_ body: [UInt8], _ answer: Answer) -> APIError? {
        guard body.contains(UInt8(ascii: "{")) else { return nil }
        return body.withUnsafeBytes {
            APIError.inSuccess(
                answer.context.operation, session: answer.context.session, status: answer.status, body: $0,
                retryAfter: Self.retryAfter(answer.response), redaction: answer.context.redaction)
        }
    }

    /// The error for an answer that is not what was promised.
    private func invalid(_ answer: Answer, _ complaint: String, _ body: [UInt8]) -> APIError {
        var error = answer.context.error(.invalidAnswer, complaint)
        error.status = answer.status
        error.retryAfter = Self.retryAfter(answer.response)
        error.bodyExcerpt = body.withUnsafeBytes { APIError.excerpt($0, answer.context.redaction) }
        return error
    }

    /// The body of an answer as a stream, which must end within a time from a moment on where one is given.
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

    /// JSON bytes of a request body.
    func json(_ value: some Encodable, _ operation: APIOperation) throws(APIError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Array(try encoder.encode(value))
        } catch {
            throw APIError(.invalidArgument, operation: operation, message: "the request cannot be written as JSON")
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
            throw context.error(
                .timeout, "\(context.limit.map(String.init(describing:)) ?? ""): the token did not come",
                mayHaveActed: false)
        } catch {
            throw context.error(.noToken, "the token cannot be had: \(error)")
        }
        // Anything else would end the header early and could smuggle in another.
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw context.error(
                .noToken, token.isEmpty ? "the token is empty" : "the token holds a space or a line break")
        }
        return token
    }

    /// The error that an answer stands for whose status the operation does not promise.
    private func refusal(_ answer: Answer) async -> APIError {
        var body: [UInt8] = []
        do {
            for try await chunk in stream(answer, within: .seconds(10)) {
                chunk.withUnsafeBytes { body.append(contentsOf: $0.prefix(65_536 - body.count)) }
                if body.count == 65_536 { break }
            }
        } catch {
            // What has arrived of the error's text is worth more than the fact that the rest is missing.
        }
        if (200...299).contains(answer.status) {
            let promised = answer.context.operation.successes.map(String.init).joined(separator: " or ")
            return disguised(body, answer)
                ?? invalid(answer, "the server answered \(answer.status) where the API promises \(promised)", body)
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

/// What may stand in an answer of success that the API documents as empty: an object that tells of no error.
private struct Acknowledgement: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        guard !["code", "message", "error"].contains(where: { container.contains(AnyKey($0)) }) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "tells of an error"))
        }
    }
}

/// A request's body, which knows whether it was asked for. That happens once a connection stands and the request's head is
/// being written: before that the server cannot have seen the request.
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

/// Says why an answer cannot be decoded.
enum AnswerFault {
    static func words(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the answer cannot be understood" }
        switch error {
        case .keyNotFound(let key, let context):
            return "the answer lacks the field \(path(context.codingPath + [key]))"
        case .valueNotFound(_, let context) where !context.codingPath.isEmpty:
            return "the answer's field \(path(context.codingPath)) is null"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            guard !context.codingPath.isEmpty else { return "the answer is no JSON object" }
            return "the answer's field \(path(context.codingPath)) has another type than documented"
        case .dataCorrupted(let context):
            guard !context.codingPath.isEmpty else { return "the answer is not valid JSON" }
            return "the answer's field \(path(context.codingPath)) \(context.debugDescription)"
        @unknown default: return "the answer cannot be understood"
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
