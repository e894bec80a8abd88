internal import Logging
import SessionModel

/// What is logged about one call.
struct CallRecord {
    /// The status of the response, once there is one.
    var status: Int?
}

extension SessionAPIClient {
    /// Makes a call and writes one line about it to the configured logger.
    nonisolated(nonsending) func recorded<Result>(
        _ operation: APIOperation, _ session: String?,
        _ call: (inout CallRecord) async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        var record = CallRecord()
        guard let logger = configuration.logger else { return try await call(&record) }
        let begun = ContinuousClock.now
        var metadata: Logger.Metadata = ["operation": "\(operation.rawValue)"]
        if let session { metadata["session"] = "\(session)" }
        func finish(_ level: Logger.Level, _ status: Int?, _ words: String) {
            if let status { metadata["status"] = "\(status)" }
            metadata["milliseconds"] = "\(Int((ContinuousClock.now - begun) / .milliseconds(1)))"
            logger.log(level: level, "Session API \(words)", metadata: metadata)
        }
        do throws(APIError) {
            let result = try await call(&record)
            finish(.info, record.status, "answered")
            return result
        } catch {
            metadata["error"] = "\(error.kind.rawValue)"
            finish(.warning, error.status ?? record.status, "failed")
            throw error
        }
    }
}
