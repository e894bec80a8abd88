import Foundation
import Testing

/// A shared store with a database and a part of a bucket of its own, on the servers that `scripts/servers` starts, and a store in
/// a folder beside it.
final class SharedStoreStage {
    static let server = ProcessInfo.processInfo.environment["SALVAGE_TEST_POSTGRES"]
    static let endpoint = ProcessInfo.processInfo.environment["SALVAGE_TEST_S3"]
    static let bucket = ProcessInfo.processInfo.environment["SALVAGE_TEST_BUCKET"] ?? "salvage-test"
    /// Whether both servers run.
    static var isPossible: Bool { server != nil && endpoint != nil }
    /// What to do so that they run.
    static let advice: Comment =
        "needs PostgreSQL and an S3 server: eval \"$(scripts/servers start && scripts/servers env)\""

    /// What the sessions have in both stores.
    static let sessions = ["duel-1", "duel-2", "raid-1", "raid-2", "lobby"]

    let scratch: Scratch
    let database: String
    /// The catalog's address.
    let address: String
    var folder: String { scratch.path("store") }
    /// The role that only reads, once ``makeReader()`` was called.
    var reader: String { database + "_reader" }

    init() throws {
        let server = try #require(Self.server)
        scratch = try Scratch()
        database = "commands_\(UUID().uuidString.prefix(8).lowercased())"
        try #require(shell("psql -XAtq -d '\(server)' -c 'CREATE DATABASE \(database) ENCODING UTF8'").status == 0)
        address = try #require(URL(string: server)).deletingLastPathComponent().absoluteString + database
        try configure("shared.yaml")
    }

    deinit {
        guard let server = Self.server else { return }
        _ = try? shell(
            """
            psql -XAtq -d '\(server)' -c 'DROP DATABASE IF EXISTS \(database) WITH (FORCE)' \
            -c 'DROP ROLE IF EXISTS \(reader)'
            """)
    }

    /// Writes a configuration; returns its path.
    @discardableResult
    func configure(
        _ name: String, catalog: String? = nil, packs: String? = nil, endpoint: String? = nil, cache: String = "cache",
        mode: Int = 0o600
    ) throws -> String {
        let path = scratch.path(name)
        try """
        store:
          catalog: "\(catalog ?? address)"
          packs: "\(packs ?? "s3://\(Self.bucket)/\(database)")"
          s3: { endpoint: "\(endpoint ?? Self.endpoint ?? "")", path_style: true }
          cache: { path: "\(scratch.path(cache))" }
        """.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    static let keys = ["AWS_ACCESS_KEY_ID": "salvage", "AWS_SECRET_ACCESS_KEY": "salvage-secret-key"]

    /// Runs a command on the shared store.
    func shared(
        _ arguments: [String], config: String = "shared.yaml", _ environment: [String: String] = [:]
    ) throws -> Program.Outcome {
        try Program.run(
            arguments + ["--config", scratch.path(config)],
            environment: Self.keys.merging(environment) { _, new in new })
    }

    /// Runs a command on a store by its address, with the shared store's configuration.
    func salvage(_ store: String, _ arguments: [String]) throws -> Program.Outcome {
        try shared(arguments + ["--store", store])
    }

    /// A text of JSON without the times that depend on when a command ran.
    static func withoutOwnTimes(_ text: String) -> String {
        text.replacing(/"(first_seen|first_seen_exited|first_try|last_try)":"[^"]*"/, with: "\"time\":…")
    }

    /// An outcome without what two stores cannot have in common: the paths and sizes of packs, when the sessions came in, how
    /// long a search took, and how many members of packs without a match it opened.
    static func comparable(_ outcome: Program.Outcome) -> String {
        let out = withoutOwnTimes(outcome.out)
            .replacing(/"pack":"[^"]*"/, with: "\"pack\":…")
            .replacing(/"pack_bytes":[0-9]+/, with: "\"pack_bytes\":…")
            .replacing(/"(elapsed|elapsed_total)":\{[^}]*\}/, with: "\"elapsed\":…")
            .replacing(/"searches":[0-9]+/, with: "\"searches\":…")
        return "\(outcome.status)\n\(out)"
    }

    /// The first line that differs between two texts, and how many lines each has; nil if they are the same bytes.
    static func difference(_ found: String, _ expected: String) -> String? {
        guard !found.utf8.elementsEqual(expected.utf8) else { return nil }
        let lines = [found, expected].map { $0.split(separator: "\n", omittingEmptySubsequences: false) }
        let common = zip(lines[0], lines[1]).prefix { $0.utf8.elementsEqual($1.utf8) }.count
        let (own, other) = (lines[0].dropFirst(common).first, lines[1].dropFirst(common).first)
        return "line \(common + 1) of \(lines[0].count): \(own ?? "absent")\nof \(lines[1].count): \(other ?? "absent")"
    }

    /// Runs a command on the store in a folder.
    func embedded(_ arguments: [String]) throws -> Program.Outcome {
        try Program.run(arguments + ["--store", folder])
    }

    /// Ingests the same sessions into both.
    func fill() throws {
        for (number, session) in Self.sessions.enumerated() {
            let files = scratch.path("in-\(number)/Saved")
            try FileManager.default.createDirectory(atPath: files + "/Logs", withIntermediateDirectories: true)
            var lines = (0..<300).map {
                "2026-11-20T1\(number):00:\(10 + $0 % 40)Z LogNet: player \($0 * 7 % 31) needle-\(number)-\($0)"
            }
            if number.isMultiple(of: 2) {
                lines.append("thread 'main' panicked at src/main.rs:\(number):5:\nindex out of bounds")
                lines.append("stack backtrace:")
            }
            try (lines.joined(separator: "\n") + "\n").write(
                toFile: files + "/Logs/Game é.log", atomically: true, encoding: .utf8)
            try Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* (number + 3)) }).write(
                to: URL(fileURLWithPath: files + "/state.bin"))
            try shell("ln -s ../state.bin '\(files)/Logs/link'; touch -h -d @1795000000 '\(files)/Logs/link'")
            try shell("find '\(files)' -exec touch -h -d @179500000\(number) {} +")
            let what = [
                "ingest", "--quiet", "--session", session, "--image", number < 2 ? "duel" : "raid", "--tag",
                "1.\(number % 3)", "--location", number < 3 ? "eu" : "us", "--label", "mode=m\(number % 2)",
                "--created", "2026-11-20T1\(number):00:00Z", "--exited", "2026-11-20T1\(number):30:00Z", files,
            ]
            for outcome in [try embedded(what), try shared(what)] {
                try #require(outcome.status == 0, "\(outcome.out)\(outcome.err)")
            }
        }
    }

    /// Makes a role with the grants of docs/fleet.md that may only read, and a configuration `reader.yaml` for it.
    func makeReader() throws {
        let made = try shell(
            """
            psql -XAtq -v ON_ERROR_STOP=1 -d '\(address)' -c 'CREATE ROLE \(reader) LOGIN' \
            -c 'GRANT CONNECT ON DATABASE \(database) TO \(reader)' -c 'GRANT USAGE ON SCHEMA public TO \(reader)' \
            -c 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(reader)'
            """)
        try #require(made.status == 0)
        var parts = try #require(URLComponents(string: address))
        parts.user = reader
        try configure("reader.yaml", catalog: parts.string ?? "", cache: "reader-cache")
    }
}
