import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// The shared test data, where it is present.
enum Corpora {
    static let root: String = {
        if let given = ProcessInfo.processInfo.environment["SALVAGE_CORPORA"] { return given }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.deletingLastPathComponent().appendingPathComponent("shared/corpora").path
    }()

    static var present: Bool { FileManager.default.fileExists(atPath: root + "/README.md") }

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: root + "/" + path)))
    }

    static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

    static func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: root + "/" + folder)) ?? []).sorted()
            .filter { name in
                var folderThere: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: root + "/\(folder)/\(name)", isDirectory: &folderThere)
                return !folderThere.boolValue
            }
    }

    static func analyze(_ path: String, symbols: SymbolStore? = nil) throws -> [CrashRecord] {
        CrashAnalyzer(symbols: symbols).analyze(source: MemoryByteSource(try bytes(path)), name: path)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips, with a message, where the shared test data is absent.
    static var needsCorpora: Self { .enabled(if: Corpora.present, "shared corpora are absent") }
}

/// Counts what is read from it.
final class CountingSource: ByteSource, @unchecked Sendable {
    private let inner: any ByteSource
    private let lock = NSLock()
    private var total = 0

    init(_ inner: any ByteSource) { self.inner = inner }

    var size: UInt64 { inner.size }
    var bytesRead: Int { lock.withLock { total } }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let got = try inner.read(at: offset, into: buffer)
        lock.withLock { total += got }
        return got
    }
}
