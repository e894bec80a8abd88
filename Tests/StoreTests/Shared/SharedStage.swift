import Catalog
import Foundation
import Synchronization
import Testing

@testable import Store

/// A database of its own on the PostgreSQL server that `SALVAGE_TEST_POSTGRES` names, and a local folder; both are removed
/// with the last reference.
final class SharedStage: Sendable {
    /// The URI of a superuser; nil if the tests are to do without a server.
    static var server: String? { ProcessInfo.processInfo.environment["SALVAGE_TEST_POSTGRES"] }
    /// Why tests are skipped.
    static let why: Comment = "SALVAGE_TEST_POSTGRES names no PostgreSQL server"

    let local: String
    let uri: String
    private let name: String

    init() throws {
        let server = try #require(Self.server)
        name = "salvage_store_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        local = folder.path
        let parts = server.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let slash = try #require(parts[0].lastIndex(of: "/"))
        uri = parts[0][...slash] + name + (parts.count > 1 ? "?" + parts[1] : "")
        try Self.run("psql", ["-X", "-q", "-d", server, "-c", "CREATE DATABASE \(name)"])
    }

    deinit {
        try? FileManager.default.removeItem(atPath: local)
        if let server = Self.server {
            try? Self.run("psql", ["-X", "-q", "-d", server, "-c", "DROP DATABASE \(name) WITH (FORCE)"])
        }
    }

    /// Opens a connection of its own, as another machine would.
    func catalog() throws -> Catalog { try Catalog.open(shared: uri, local: local) }

    /// Runs SQL as the superuser.
    func execute(_ sql: String) throws {
        try Self.run("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", uri, "-c", sql])
    }

    /// Runs a program, which must succeed.
    static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program) \(arguments)")
    }
}

/// Runs `body` on threads of its own, all at once, and returns the results.
func onThreads<Result: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Result
) throws -> [Result] {
    let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
    let threads = (0..<count).map { index in
        let thread = Thread {
            let result = Swift.Result { try body(index) }
            results.withLock { $0[index] = result }
        }
        thread.start()
        return thread
    }
    while threads.contains(where: { !$0.isFinished }) { usleep(1000) }
    let all = results.withLock { $0 }
    return try (0..<count).map { try #require(all[$0]).get() }
}
