import Text

/// Addresses of the pages. They hold ASCII only: everything else is percent-encoded.
struct PageLink: Sendable {
    /// The path before all of the server's own.
    let base: String

    /// A path of the server, with the items of a query; an empty value is left out.
    func path(_ path: String, _ query: [(String, String?)] = []) -> String {
        let items = query.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(name)=\(Percent.encode($0))" }
        }
        return base + path + (items.isEmpty ? "" : "?" + items.joined(separator: "&"))
    }

    /// The page of a session.
    func session(_ id: String) -> String { path("/sessions/" + PathSegment.encode(id)) }

    /// The page of a signature, by its short id.
    func signature(_ id: String) -> String { path("/signatures/" + PathSegment.encode(id)) }

    /// The page of a crash.
    func crash(_ id: String) -> String { path("/crashes/" + PathSegment.encode(id)) }

    /// A resource of the API.
    func api(_ path: String, _ query: [(String, String?)] = []) -> String { self.path("/api/v1" + path, query) }

    /// A link that somebody typed, if it leads to the web; nil for `javascript:` and everything else.
    static func web(_ text: String?) -> String? {
        guard let text, text.utf8.count <= 2000,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { return nil }
        let lower = text.prefix(8).lowercased()
        return lower.hasPrefix("https://") || lower.hasPrefix("http://") ? text : nil
    }
}
