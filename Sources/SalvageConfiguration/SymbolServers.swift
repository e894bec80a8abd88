extension Configuration {
    /// The symbol servers that `symbols fetch` may ask, by the protocol of debuginfod.
    public struct SymbolServers: Sendable, Equatable {
        /// The longest answer that can be configured, in bytes.
        public static let largestFile: UInt64 = 64 << 30
        /// Whether they may be asked at all without a flag. Build ids say which programs a team runs.
        public var allowed = false
        /// Whether the addresses in `DEBUGINFOD_URLS` are among them.
        public var urlsFromEnvironment = true
        /// Further addresses, which are asked first.
        public var urls: [String] = []
        /// How long one answer may take, in milliseconds.
        public var timeout: Int64 = 90_000
        /// The largest file, in bytes.
        public var maxSize: UInt64 = 2 << 30

        /// The defaults: nothing may be asked.
        public init() {}

        /// The addresses to ask, each once. What `DEBUGINFOD_URLS` has besides `http` and `https` addresses, such as
        /// `ima:enforcing`, is left out.
        public func addresses(environment: [String: String]) -> [String] {
            let named = urlsFromEnvironment ? environment["DEBUGINFOD_URLS"] ?? "" : ""
            let words = named.split { " \t\n".contains($0) }.compactMap { Configuration.baseAddress(String($0)) }
            var seen: Set<String> = []
            return (urls + words).filter { seen.insert($0).inserted }
        }
    }
}

extension Configuration.SymbolServers {
    /// Reads the section `symbols:`.
    static func read(_ section: NodeReader) -> Self {
        var servers = Self()
        let debuginfod = section.section("debuginfod")
        if let value = debuginfod.boolean("allowed") { servers.allowed = value }
        if let value = debuginfod.boolean("urls_from_environment") { servers.urlsFromEnvironment = value }
        for node in debuginfod.list("urls") ?? [] {
            if let url = node.text.flatMap(Configuration.baseAddress) {
                servers.urls.append(url)
            } else {
                debuginfod.note(
                    node.line, debuginfod.path("urls"), "invalid address '\(node.text ?? NodeReader.kind(node))'",
                    "write http:// or https:// and a host, without user and password")
            }
        }
        if let value = debuginfod.value(
            "timeout", expected: "write a duration from 1s to 1h, such as 90s",
            { text in Quantity.milliseconds(text).flatMap { (1000...3_600_000).contains($0) ? $0 : nil } })
        {
            servers.timeout = value
        }
        if let value = debuginfod.value(
            "max_size", expected: "write a size up to 64GiB, such as 2GiB",
            { text in Quantity.bytes(text).flatMap { $0 <= largestFile ? $0 : nil } })
        {
            servers.maxSize = value
        }
        debuginfod.finish()
        section.finish()
        return servers
    }
}
