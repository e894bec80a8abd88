extension Configuration {
    /// How `salvage serve` is run; its flags override it.
    public struct Serve: Sendable, Equatable {
        /// The address to listen on: host and port.
        public var listen = "127.0.0.1:8474"
        /// The file of tokens; nil for none.
        public var tokens: String?
        /// The title of the pages.
        public var title = "salvage"
        /// The address by which people reach it, without a slash at its end; nil if it is that of `listen`.
        public var publicAddress: String?
        /// The header in which a proxy names the user; nil if none does.
        public var userHeader: String?
        /// The addresses of the proxies that are believed.
        public var proxies: [String] = []
        /// What the users of a proxy may do: `read`, `triage`, `upload`.
        public var proxyRoles: [String] = ["read", "triage"]
        /// Further names by which it may be called.
        public var hosts: [String] = []
        /// The address of a source line, with `{file}`, `{line}` and `{tag}` in it; nil for no links.
        public var sourceLink: String?

        /// The defaults.
        public init() {}
    }
}

extension Configuration.Serve {
    static func read(_ section: NodeReader) -> Self {
        var serve = Self()
        if let value = section.string("listen") { serve.listen = value }
        serve.tokens = section.string("tokens")
        if let value = section.string("title") { serve.title = value }
        let fix = "write http:// or https:// and a host, such as https://salvage.example"
        serve.publicAddress = section.value("public_address", expected: fix, Configuration.baseAddress)
        serve.userHeader = section.string("user_header")
        serve.proxies = section.texts("proxies")
        let roles = section.texts("proxy_roles")
        for role in roles where !["read", "triage", "upload"].contains(role) {
            section.note(
                section.lineOf("proxy_roles"), section.path("proxy_roles"), "unknown role '\(role)'",
                "use some of: read, triage, upload")
        }
        if !roles.isEmpty { serve.proxyRoles = roles }
        serve.hosts = section.texts("hosts")
        serve.sourceLink = section.value(
            "source_link", expected: "write an address such as https://git.example/game/blob/{tag}/{file}#L{line}"
        ) { $0.hasPrefix("https://") || $0.hasPrefix("http://") ? $0 : nil }
        section.finish()
        return serve
    }
}

extension NodeReader {
    /// Returns the texts of the list under a key; a single value is a list of one. Anything else is an issue.
    fileprivate func texts(_ key: String) -> [String] {
        (list(key) ?? []).compactMap { node in
            guard let text = node.text else {
                note(node.line, path(key), "must list texts, not \(Self.kind(node))", "write `- value` lines")
                return nil
            }
            return text
        }
    }
}
