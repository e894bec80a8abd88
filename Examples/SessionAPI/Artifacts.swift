import Foundation
import SessionAPI

/// artifacts: downloads a file or folder of a session that has ended, as a .tar.gz archive, without holding it in
/// memory.
func downloadArtifact(_ api: some SessionOperations, id: String, path: String) async throws {
    let archive = FileManager.default.temporaryDirectory.appendingPathComponent("artifact-\(UUID().uuidString).tar.gz")
    defer { try? FileManager.default.removeItem(at: archive) }
    guard FileManager.default.createFile(atPath: archive.path, contents: nil) else {
        throw CocoaError(.fileWriteUnknown)
    }
    let file = try FileHandle(forWritingTo: archive)
    defer { try? file.close() }
    var count = 0
    for try await chunk in try await api.artifacts(session: id, path: path).body {
        try file.write(contentsOf: chunk.bytes)
        count += chunk.count
    }
    // Only now is the archive complete: a truncated one throws.
    print("artifacts: \(count > 0 ? "downloaded the archive of \(path)" : "\(path) is empty")")
}
