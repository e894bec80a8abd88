import Digest
import Files
import Foundation
import S3
import Synchronization

@testable import Store

/// A bucket in a folder, which counts what it is asked for and can fail.
final class FolderBucket: SymbolBucket {
    struct State {
        var heads = 0
        var downloads = 0
        var uploads = 0
        var failure: S3Error?
        /// Called during an upload, once.
        var interlude: (@Sendable () -> Void)?
    }

    let path: String
    let state = Mutex(State())

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("bucket-\(UUID().uuidString)").path
        try Folders.make(path)
    }

    deinit { _ = try? Folders.removeTree(path) }

    func set(_ key: String, _ bytes: [UInt8]) throws {
        try Folders.make(Folders.split(path + "/" + key).folder)
        try Replacement.write(bytes, to: path + "/" + key)
    }

    func content(_ key: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path + "/" + key).map { Array($0) }
    }

    private func object(_ key: String) -> S3Object? {
        content(key).map {
            S3Object(
                key: key, size: UInt64($0.count), etag: SHA256.digest($0).map { "\($0)" }.joined(separator: "."),
                modified: 0)
        }
    }

    private func failIfTold() throws(S3Error) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    func head(_ key: String) throws(S3Error) -> S3Object? {
        state.withLock { $0.heads += 1 }
        try failIfTold()
        return object(key)
    }

    func download(_ key: String, to descriptor: Int32) throws(S3Error) -> S3Object {
        state.withLock { $0.downloads += 1 }
        try failIfTold()
        guard let bytes = content(key), let object = object(key) else { throw S3Error(.absent, "no such object") }
        do throws(FileFailure) { try Descriptor.write(descriptor, bytes) } catch {
            throw S3Error(.local, error.message)
        }
        return object
    }

    func upload(_ key: String, from descriptor: Int32, size: UInt64) throws(S3Error) -> S3Object {
        let interlude = state.withLock { state in
            defer { state.interlude = nil }
            state.uploads += 1
            return state.interlude
        }
        try failIfTold()
        if object(key) != nil { throw S3Error(.exists, "the object exists already") }
        do {
            var bytes = [UInt8](repeating: 0, count: Int(size))
            let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
            guard count == Int(size) else { throw S3Error(.local, "the file is shorter") }
            try set(key, bytes)
        } catch {
            throw error as? S3Error ?? S3Error(.local, "\(error)")
        }
        let stored = object(key)
        interlude?()
        guard let stored else { throw S3Error(.damaged, "the object is gone") }
        return stored
    }

    func delete(_ keys: [String]) throws(S3Error) -> [(key: String, error: S3Error)] {
        try failIfTold()
        for key in keys { unlink(path + "/" + key) }
        return []
    }
}
