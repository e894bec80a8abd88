internal import CPostgres

/// What a server says of a failed statement.
struct PostgresFailure: Sendable, Equatable {
    /// The five characters of its reason (https://www.postgresql.org/docs/15/errcodes-appendix.html); empty without an answer.
    var state = ""
    /// The message and its details.
    var message: String
    /// Whether the connection is lost.
    var isLost = false

    /// How often a writing transaction that met this begins at most: it may succeed when another one is no longer in its way.
    var mostAttempts: Int {
        if isLost { return 4 }
        return switch state {
        // Serialization and deadlock.
        case "40001", "40P01": 12
        // Rows, tables and types that another transaction has added since they were looked for: they are found the next time.
        case "23505", "23P01", "42P07", "42710": 3
        default: 1
        }
    }
}

extension PostgresFailure {
    /// Takes the fields of a failed result.
    init(_ result: OpaquePointer, isLost: Bool) {
        func field(_ letter: Character) -> String? {
            salvage_pq_field(result, Int32(letter.asciiValue ?? 0)).map { String(cString: $0) }
        }
        let state = field("C") ?? ""
        var message = field("M") ?? PostgresFailure.line(String(cString: salvage_pq_result_error(result)))
        if let detail = field("D") { message += " (\(detail))" }
        if let hint = field("H") { message += "; \(hint)" }
        // A server that shuts down says so before it closes the connection.
        // 25P03: the server ended a transaction that paused for too long, and its connection.
        let ends = state.hasPrefix("57P0") || state.hasPrefix("08") || state.hasPrefix("25P03")
        self.init(state: state, message: message, isLost: isLost || ends)
    }

    /// Several lines as one.
    static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
            .joined(separator: "; ")
    }
}

extension CatalogError {
    /// The hint for an address that cannot be reached.
    static let reachHint =
        "check that PostgreSQL runs, its host, port and database in the address of the store, the passfile (~/.pgpass) or "
        + "PGPASSWORD, and pg_hba.conf on the server"

    /// The hint for tables that are not as they should be.
    static let tablesHint =
        "check the search_path of the role and that nothing else has changed the tables; restore the database from a backup, "
        + "or create an empty one and run salvage reindex"

    /// Translates a failure by its SQLSTATE.
    ///
    /// - Parameter sql: the statement, whose beginning is named.
    init(postgres failure: PostgresFailure, sql: String? = nil, path: String) {
        let code = failure.state.isEmpty ? "" : " [SQLSTATE \(failure.state)]"
        let place = sql.map { " in \"\(Self.beginning($0))\"" } ?? ""
        let detail = "\(failure.message)\(code)"
        func error(_ code: Code, _ what: String, _ hint: String?) -> CatalogError {
            CatalogError(code: code, message: "\(what): \(detail)\(place)", path: path, hint: hint)
        }
        if failure.isLost {
            self = error(
                .io, "the connection to PostgreSQL was lost",
                "try again; if it stays, \(Self.reachHint)")
            return
        }
        switch failure.state {
        case "3D000", "3F000":
            self = error(
                .missing, "there is no such database or schema",
                "create it, or correct the address of the store")
        case "42P01", "42703", "42704", "42883", "42P10":
            self = error(.corrupt, "the catalog's tables are damaged", Self.tablesHint)
        case let state where state.hasPrefix("XX0"):
            self = error(.corrupt, "the catalog is damaged", Self.tablesHint)
        case "55P03", "55006", "40001", "40P01":
            self = error(
                .busy, "the catalog is locked by another process", "wait for it to finish, or stop it, and try again")
        case "53300":
            self = error(
                .busy, "PostgreSQL takes no more connections",
                "wait and try again, raise max_connections, or put PgBouncer between")
        case "53100":
            self = error(
                .full, "no space left for the catalog", "free some space on the server's disk")
        case "25006":
            self = error(
                .readOnly, "the catalog cannot be written",
                "the server is a standby, or the role reads only; add target_session_attrs=read-write to the address")
        case "42501":
            self = error(.readOnly, "the role has no such right", "grant it, or use another role")
        case let state where state.hasPrefix("28"):
            self = error(.io, "PostgreSQL does not let the role in", Self.reachHint)
        case let state where state.hasPrefix("58"):
            self = error(.io, "PostgreSQL cannot read or write its files", "check the server's log and disk")
        default: self = error(.database, "the catalog failed", nil)
        }
    }

    private static func beginning(_ sql: String) -> String {
        let line = PostgresFailure.line(sql)
        return line.count > 80 ? line.prefix(79) + "…" : line
    }
}
