import Hummingbird
import JSON
import NIOCore

extension Request {
    /// The largest body of a decision or a form, in bytes.
    static let largestBody = 64 << 10
    /// How long such a body may take to arrive.
    private static let patience = Duration.seconds(30)

    /// Reads a small body. Until it is there, the connection counts as one that waits.
    ///
    /// - Throws: ``ServerFailure`` with 413 for one over 64 KiB, 408 for one that does not arrive, 400 for one that is not
    ///   what its headers say.
    func smallBody(_ activity: RequestActivity? = nil) async throws -> [UInt8] {
        activity?.waits()
        defer { activity?.works() }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > Self.largestBody { throw Self.tooLarge }
        let body = body
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask {
                do {
                    return Array(buffer: try await body.collect(upTo: Self.largestBody))
                } catch is NIOTooManyBytesError {
                    throw Self.tooLarge
                } catch let error where !(error is CancellationError) {
                    throw Self.broken
                }
            }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                throw ServerFailure(.requestTimeout, "slow_body", "the body did not arrive within 30 seconds")
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() else { throw CancellationError() }
            return bytes
        }
    }

    /// The failure of a body that ends early, or whose pieces are not as HTTP wants them.
    static var broken: ServerFailure {
        ServerFailure(.badRequest, "bad_body", "the body is not complete, or its pieces have no valid lengths")
    }

    private static var tooLarge: ServerFailure {
        ServerFailure(.contentTooLarge, "too_large", "the body is larger than 64 KiB")
    }

    /// Whether the body is of this media type.
    func isType(_ type: String) -> Bool {
        let value = headers[.contentType] ?? ""
        return value.prefix { $0 != ";" && $0 != " " }.lowercased() == type
    }

    /// Reads a JSON object.
    ///
    /// - Throws: ``ServerFailure`` with 415 for another media type, 400 for anything but an object.
    func jsonObject(_ activity: RequestActivity?) async throws -> JSONValue {
        guard isType("application/json") else {
            throw ServerFailure(
                .unsupportedMediaType, "not_json", "the body is not JSON", hint: "send Content-Type: application/json")
        }
        let bytes = try await smallBody(activity)
        let value: JSONValue
        do throws(JSONFault) { value = try JSONValue(parsing: bytes) } catch {
            throw ServerFailure(
                .badRequest, "bad_json", "the body is not valid JSON: \(error.reason), at byte \(error.offset)")
        }
        guard value.members != nil else {
            throw ServerFailure(.badRequest, "bad_json", "the body is not a JSON object")
        }
        return value
    }
}
