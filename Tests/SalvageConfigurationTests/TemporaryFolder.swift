import FoundationEssentials

/// A folder for one test, removed with the last reference to it.
final class TemporaryFolder {
    let path: String

    init() {
        path = "/tmp/salvage-configuration-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
