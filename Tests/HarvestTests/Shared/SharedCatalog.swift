import Catalog
import Foundation
import Glibc
import Model
import Testing
import Text

/// A shared catalog in a schema of its own, on the server that a variable of the environment names; the schema is dropped at
/// the end.
final class SharedCatalog: Sendable {
    /// A libpq URI of a superuser on a scratch server.
    static let variable = "SALVAGE_TEST_POSTGRES"
    static var server: String? { ProcessInfo.processInfo.environment[variable] }

    let folder: String
    let address: String
    private let schema: String
    private let administration: String

    init() throws {
        let server = try #require(Self.server)
        var template = Array("/tmp/salvage-shared-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        folder = try #require(made.map { String(cString: $0) })
        schema = String(folder.split(separator: "/").last ?? "x").lowercased().replacingOccurrences(of: "-", with: "_")
        administration = server
        let options = "options=-csearch_path%3D\(schema)%20-csynchronous_commit%3Doff"
        address = server + (server.contains("?") ? "&" : "?") + options
        try psql("CREATE SCHEMA \(schema)")
    }

    deinit {
        do { try psql("DROP SCHEMA \(schema) CASCADE") } catch { Issue.record("\(error)") }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A connection of its own, as another machine has.
    func open() throws -> Catalog { try Catalog.open(shared: address, local: folder) }

    /// Runs statements and returns the rows, columns separated by `|`, through the server's own client.
    @discardableResult
    func psql(_ sql: String) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", administration, "-c",
            "SET client_min_messages = warning", "-c", "SET search_path = \(schema)", "-c", sql,
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(sql: sql) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    struct Failure: Error { var sql: String }

    static func offers(_ names: some Sequence<String>, deadline: Int64 = 1000, crashed: Bool = false) -> [WorkOffer] {
        names.map { WorkOffer(session: $0, deadline: deadline, crashed: crashed, facts: "{}") }
    }
}

extension Trait where Self == ConditionTrait {
    /// Runs a suite only where a PostgreSQL server is given.
    static var withSharedCatalog: Self {
        .enabled(if: SharedCatalog.server != nil, "SALVAGE_TEST_POSTGRES is not set")
    }
}
