internal import Text

/// A connection URI of PostgreSQL, taken apart as libpq does it, so that its parts can be shown without its password.
///
/// Stricter than libpq where that would guess: `@`, `?` and `/` inside of a user's name or a password must be percent codes.
/// Otherwise a part of a password could be taken for a host and be printed. See "Connection URIs" in PostgreSQL's
/// documentation of libpq.
public struct CatalogURI: Sendable, Equatable {
    /// The schemes that libpq accepts.
    public static let schemes = ["postgres://", "postgresql://"]
    /// Stands for an address that is not valid, of which no part can be shown.
    public static let hidden = "postgres://(not valid)"
    /// The longest address, in bytes.
    static let longest = 4096

    /// Whether it has a password, in front of the host or as a parameter.
    public let hasPassword: Bool
    /// The address without any password.
    public let shown: String
    /// What tells the database from others: hosts, name, and the parameters that choose one. Without user and password.
    public let database: String

    /// Whether a text is meant to be such an address.
    public static func isMeant(by text: String) -> Bool { schemes.contains { text.hasPrefix($0) } }

    /// Reads an address.
    ///
    /// - Throws: ``StoreAddressProblem``, which never repeats any of the text.
    public init(_ text: String) throws(StoreAddressProblem) {
        guard let scheme = Self.schemes.first(where: { text.hasPrefix($0) }) else {
            throw StoreAddressProblem("is not an address of PostgreSQL", fix: "write postgres://user@host/database")
        }
        guard text.utf8.count <= Self.longest else {
            throw StoreAddressProblem(
                "is longer than \(Self.longest) bytes", fix: "move parameters to a pg_service file")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw StoreAddressProblem(
                "has a space, a control or a non-ASCII character", fix: "write such characters as percent codes: %20")
        }
        let rest = text.dropFirst(scheme.count)
        let (head, query) = Self.halves(rest, "?")
        let (authority, name) = Self.halves(head, "/")
        let at = authority.split(separator: "@", omittingEmptySubsequences: false)
        guard at.count <= 2, name?.contains("@") != true, query?.contains("@") != true else {
            throw StoreAddressProblem(
                "has an @ that is not in front of the host",
                fix: "write @, :, / and ? in names and passwords as %40, %3A, %2F and %3F")
        }
        let user = at.count == 2 ? Self.halves(at[0], ":") : nil
        let hosts = at.last ?? ""
        for host in hosts.split(separator: ",", omittingEmptySubsequences: false) where !Self.isHost(host) {
            throw StoreAddressProblem(
                "has a host or port that is not valid",
                fix: "write postgres://user@host:port/database; several hosts with commas between them")
        }
        let parameters = try Self.parameters(query)
        let open = parameters.filter { !Self.secrets.contains($0.name.lowercased()) }
        hasPassword = user?.after?.isEmpty == false || open.count < parameters.count
        let place = hosts + (name.map { "/" + $0 } ?? "")
        shown = scheme + (user.map { $0.before + "@" } ?? "") + place + Self.query(open)
        database = place + Self.query(open.filter { Self.choosing.contains($0.name) })
    }

    /// Parameters that are secret.
    private static let secrets = ["password", "sslpassword"]
    /// Parameters that choose the database or the schema.
    private static let choosing = ["host", "hostaddr", "port", "dbname", "service", "options"]

    private static func parameters(
        _ query: Substring?
    ) throws(StoreAddressProblem) -> [(name: String, text: Substring)] {
        guard let query, !query.isEmpty else { return [] }
        var found: [(name: String, text: Substring)] = []
        for text in query.split(separator: "&", omittingEmptySubsequences: false) {
            let (name, value) = halves(text, "=")
            guard value != nil, let plain = Percent.decode(name, plusIsSpace: false), !plain.isEmpty else {
                throw StoreAddressProblem(
                    "has a parameter without a name or value", fix: "write ?name=value&name=value after the database")
            }
            found.append((plain, text))
        }
        return found
    }

    private static func query(_ parameters: [(name: String, text: Substring)]) -> String {
        parameters.isEmpty ? "" : "?" + parameters.map(\.text).joined(separator: "&")
    }

    /// Splits a text at the first occurrence of a character; `after` is nil without it.
    private static func halves(_ text: Substring, _ mark: Character) -> (before: Substring, after: Substring?) {
        guard let place = text.firstIndex(of: mark) else { return (text, nil) }
        return (text[..<place], text[text.index(after: place)...])
    }

    /// Whether a text is a host with or without a port. An empty host is the local one.
    private static func isHost(_ text: Substring) -> Bool {
        var rest = text
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { return false }
            rest = rest[rest.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { return false }
        }
        let port = halves(rest, ":").after ?? ""
        return port.utf8.allSatisfy { (0x30...0x39).contains($0) } && port.utf8.count <= 5
    }
}
