internal import CPostgres
internal import Clocks
internal import Glibc
internal import Model

/// Where a database is and how connections to it are made.
struct PostgresAddress: Sendable {
    /// The address as given, which may contain a password.
    private let uri: String
    /// The address without password and other secrets, for errors.
    let shown: String
    /// The milliseconds that a statement waits for another transaction's lock.
    let lockTimeout: Int

    /// Reads an address and loads libpq.
    ///
    /// - Parameters:
    ///   - uri: a connection URI as libpq reads it (https://www.postgresql.org/docs/15/libpq-connect.html).
    ///   - busyTimeout: seconds to wait for another transaction's lock.
    /// - Throws: ``CatalogError`` with `io` when the library is missing or the address is not one.
    init(_ uri: String, busyTimeout: Double) throws(CatalogError) {
        self.uri = uri
        do throws(StoreAddressProblem) { shown = try CatalogURI(uri).shown } catch {
            throw CatalogError(
                code: .io, message: "the address of the catalog \(error.message)", path: CatalogURI.hidden,
                hint: error.fix)
        }
        // 0 would mean to wait for ever.
        lockTimeout = max(1, Int(min(busyTimeout, 86_400) * 1000))
        if let problem = salvage_pq_problem() {
            throw CatalogError(
                code: .io, message: "PostgreSQL's client library cannot be loaded: \(String(cString: problem))",
                path: shown, hint: "apt install libpq5")
        }
        guard let message = salvage_pq_address_error(uri) else { return }
        defer { free(message) }
        throw Self.malformed(Self.withoutQuotes(String(cString: message)), shown)
    }

    private static func malformed(_ reason: String, _ shown: String) -> CatalogError {
        CatalogError(
            code: .io, message: "the address of the catalog cannot be read: \(reason)", path: shown,
            hint: "write it as postgres://user@host:port/database?sslmode=verify-full; escape special characters as %XX"
        )
    }

    /// The message without what it repeats of the address, which may be a piece of a password.
    private static func withoutQuotes(_ message: String) -> String {
        PostgresFailure.line(message).split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .map { $0.offset % 2 == 0 ? String($0.element) : "…" }.joined(separator: "\"")
    }

    /// Makes a connection. The caller closes it.
    ///
    /// - Parameter patiently: whether to wait ten seconds for a server that restarts or another that takes its place; not for
    ///   an address that was never right.
    /// - Throws: ``CatalogError``, mostly with `io`.
    func connect(patiently: Bool) throws(CatalogError) -> OpaquePointer {
        let end = MonotonicClock.milliseconds() + (patiently ? 10_000 : 0)
        while true {
            do throws(CatalogError) { return try connect() } catch {
                guard error.code == .io, MonotonicClock.milliseconds() < end else { throw error }
                usleep(250_000)
            }
        }
    }

    private func connect() throws(CatalogError) -> OpaquePointer {
        // What comes before `dbname` is a default, what comes after it is not to be changed.
        var settings = [("fallback_application_name", "salvage")]
        if getenv("PGCONNECT_TIMEOUT") == nil { settings.append(("connect_timeout", "10")) }
        // A connection through a firewall that forgets it would be waited for all day.
        settings += [
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "60000"), ("dbname", uri), ("client_encoding", "UTF8"),
        ]
        let connection = Self.withPointers(settings.map(\.0)) { keywords in
            Self.withPointers(settings.map(\.1)) { salvage_pq_connect(keywords, $0) }
        }
        guard let connection else {
            throw CatalogError(code: .io, message: "no memory for a connection to PostgreSQL", path: shown)
        }
        guard salvage_pq_is_lost(connection) != 0 else {
            do throws(CatalogError) { try requireUTF8(connection) } catch {
                salvage_pq_close(connection)
                throw error
            }
            return connection
        }
        let message = PostgresFailure.line(String(cString: salvage_pq_error(connection)))
        let needsPassword = salvage_pq_needs_password(connection) != 0
        salvage_pq_close(connection)
        throw unreachable(message, needsPassword: needsPassword)
    }

    /// libpq gives no SQLSTATE of a failed connection, only the server's message, which may be in any language.
    private func unreachable(_ message: String, needsPassword: Bool) -> CatalogError {
        if message.contains("database \""), message.contains("does not exist") {
            return CatalogError(
                code: .missing, message: "there is no such database: \(message)", path: shown,
                hint: "create it with createdb -E UTF8, or correct the address of the store")
        }
        if message.contains("too many clients") || message.contains("remaining connection slots") {
            return CatalogError(postgres: PostgresFailure(state: "53300", message: message), path: shown)
        }
        return CatalogError(
            code: .io, message: "PostgreSQL cannot be reached: \(message)", path: shown,
            hint: needsPassword
                ? "put the password into ~/.pgpass (mode 0600), the file that PGPASSFILE names, or PGPASSWORD"
                : CatalogError.reachHint)
    }

    /// In another encoding the server refuses characters that ids and paths have.
    private func requireUTF8(_ connection: OpaquePointer) throws(CatalogError) {
        guard let name = salvage_pq_parameter(connection, "server_encoding") else { return }
        let encoding = String(cString: name)
        guard encoding != "UTF8" else { return }
        throw CatalogError(
            code: .foreign, message: "the database has the encoding \(encoding)", path: shown,
            hint: "create one with createdb -E UTF8 -T template0")
    }

    private static func withPointers<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        var pointers = texts.map { UnsafePointer(strdup($0)) }
        pointers.append(nil)
        defer { for pointer in pointers { free(UnsafeMutableRawPointer(mutating: pointer)) } }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
