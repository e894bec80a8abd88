import Foundation
import SessionAPI

/// stream-logs: prints a session's output as it is written, until the session ends.
func followLog(_ api: some SessionOperations, id: String) async throws(APIError) {
    var line: [UInt8] = []
    for try await chunk in try await api.streamLogs(session: id, follow: true) {
        // A piece may end inside a line or a character.
        for byte in chunk.bytes {
            if byte == UInt8(ascii: "\n") {
                print("stream-logs: \(String(decoding: line, as: UTF8.self))")
                line = []
            } else {
                line.append(byte)
            }
        }
    }
    if !line.isEmpty { print("stream-logs: \(String(decoding: line, as: UTF8.self))") }
}
