import Model
import Text

extension Configuration {
    /// The largest configuration file accepted, in bytes. Nobody writes more by hand; a parser bomb needs more.
    static let largestFile = 1 << 20

    /// Reads a configuration from YAML text.
    ///
    /// - Parameters:
    ///   - yaml: The text.
    ///   - file: The file's name, for messages only.
    ///   - isPrivate: Whether only the file's owner can read it, so that it may have the password of a database.
    /// - Throws: ``InvalidConfiguration`` with every issue found.
    public static func parse(
        _ yaml: String, file: String? = nil, isPrivate: Bool = false
    ) throws(InvalidConfiguration) -> Configuration {
        let findings = NodeReader.Findings()
        var configuration = Configuration()
        configuration.file = file
        configuration.isBlank = true
        if let node = compose(yaml, findings) {
            let top = NodeReader(node, at: "", findings: findings)
            configuration.isBlank = top.isEmpty
            configuration.store = StoreAddress.read("store", of: top, isPrivate: isPrivate)
            configuration.read(top)
            top.finish()
        }
        guard findings.issues.isEmpty else {
            let ordered = findings.issues.enumerated().sorted {
                ($0.element.line, $0.offset) < ($1.element.line, $1.offset)
            }
            throw InvalidConfiguration(file: file, issues: ordered.map(\.element))
        }
        return configuration
    }

    private static func compose(_ yaml: String, _ findings: NodeReader.Findings) -> YAMLNode? {
        func refuse(_ line: Int, _ message: String, _ fix: String) {
            findings.issues.append(ConfigurationIssue(line: line, key: "", message: message, fix: fix))
        }
        guard yaml.utf8.count <= largestFile else {
            refuse(0, "is larger than 1 MiB", "keep the configuration small")
            return nil
        }
        // A power cut can leave a file of NUL bytes. The YAML parser would read it as empty.
        guard !yaml.utf8.contains(0) else {
            refuse(0, "contains NUL bytes", "the file is damaged; write it again")
            return nil
        }
        do throws(YAMLProblem) { return try YAMLNode.document(yaml) } catch {
            refuse(error.line, error.message, error.fix)
            return nil
        }
    }

    private mutating func read(_ top: NodeReader) {
        readAPI(top.section("api"))
        let poll = top.section("poll")
        if let value = poll.duration("running", from: 100) { self.poll.running = value }
        if let value = poll.duration("all", from: 100) { self.poll.all = value }
        poll.finish()
        if let value = top.duration("retention", from: 60_000) { retention = value }
        readLimits(top.section("limits"))
        if let value = top.duration("history", from: 3_600_000) {
            history = value
            namesHistory = true
        }
        prune = (top.list("prune") ?? []).enumerated().map { index, node in
            Prune.read(NodeReader(node, at: "prune[\(index)]", findings: top.findings))
        }
        readSignatures(top.section("signatures"))
        symbols = SymbolServers.read(top.section("symbols"))
        let confinement = top.section("confinement")
        for node in confinement.list("allow_missing") ?? [] {
            if let name = confinement.barrier(node) { self.confinement.allowMissing.append(name) }
        }
        confinement.finish()
        let grep = top.section("grep")
        if let value = grep.boolean("smart_case") { self.grep.smartCase = value }
        grep.finish()
        notify = Notifications.read(top.section("notify"))
        export = Exports.read(top.section("export"))
        let builds = top.section("builds")
        self.builds.order = builds.globs("order")
        builds.finish()
        serve = Serve.read(top.section("serve"))
        // Links in messages lead where people reach the page.
        notify.page = notify.page ?? serve.publicAddress
        redact = (top.list("redact") ?? []).enumerated().compactMap { index, node in
            RedactionRule.read(node, at: "redact[\(index)]", findings: top.findings, index: index)
        }
        guard let nodes = top.list("rules") else { return }
        namesRules = true
        rules = nodes.enumerated().map { index, node in
            Rule.read(NodeReader(node, at: "rules[\(index)]", findings: top.findings), index: index)
        }
    }

    private mutating func readAPI(_ section: NodeReader) {
        let fix = "write http:// or https:// and a host, such as https://api.production-gameye.gameye.net"
        if let url = section.value("url", expected: fix, Self.baseAddress) { api.url = url }
        api.tokenFile = section.string("token_file")
        if section.node("token") != nil {
            section.note(
                section.lineOf("token"), section.path("token"), "must not be in the configuration",
                "put the token in a file that only its owner can read, and set api.token_file to that file")
        }
        section.finish()
    }

    private mutating func readSignatures(_ section: NodeReader) {
        signatures = SignatureRules(
            skip: section.patterns("skip"), prefix: section.patterns("prefix"), stop: section.patterns("stop"),
            keep: section.patterns("keep"))
        section.finish()
    }

    /// Returns the address without trailing slashes; nil unless it is an `http` or `https` URL without user, query or
    /// fragment.
    public static func baseAddress(_ text: String) -> String? {
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return nil }
        var address = Substring(text)
        while address.last == "/" { address = address.dropLast() }
        let rest = address.dropFirst(scheme.count)
        guard let host = rest.split(separator: "/", omittingEmptySubsequences: false).first, !host.isEmpty else {
            return nil
        }
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }), !rest.contains("?"), !rest.contains("#") else {
            return nil
        }
        guard !host.contains("@"), Authority.isUsable(host) else { return nil }
        return String(address)
    }

    private mutating func readLimits(_ section: NodeReader) {
        if let value = section.integer("concurrency", in: 1...Limits.mostConcurrency) { limits.concurrency = value }
        if let value = section.integer("ingests", in: 1...64) { limits.ingests = value }
        if let value = section.integer("followers", in: 0...Limits.mostFollowers) { limits.followers = value }
        let rates = section.section("requests_per_minute")
        let range = 1...1_000_000
        if let value = rates.integer("list", in: range) { limits.listPerMinute = value }
        if let value = rates.integer("describe", in: range) { limits.describePerMinute = value }
        if let value = rates.integer("artifacts", in: range) { limits.artifactsPerMinute = value }
        if let value = rates.integer("logs", in: range) { limits.logsPerMinute = value }
        rates.finish()
        if let value = section.duration("stall", from: 100) { limits.stall = value }
        if let value = section.duration("silence", from: 100) { limits.silence = value }
        if let value = section.duration("list", from: 100) { limits.list = value }
        if let value = section.size("reserve") { limits.reserve = value }
        if let value = section.size("download") { limits.download = value }
        let unpack = section.section("unpack")
        for (name, key) in UnpackLimits.keys {
            switch key {
            case .size(let path):
                if let value = unpack.size(name) { limits.unpack[keyPath: path] = value }
            case .count(let path):
                if let value = unpack.integer(name, in: 1...1_000_000_000) {
                    limits.unpack[keyPath: path] = UInt64(value)
                }
            case .duration(let path):
                if let value = unpack.duration(name, from: 100) { limits.unpack[keyPath: path] = value }
            }
        }
        unpack.finish()
        section.finish()
    }
}

extension Configuration.Rule {
    fileprivate static func read(_ reader: NodeReader, index: Int) -> Configuration.Rule {
        var rule = Configuration.Rule(name: reader.string("name") ?? "rule \(index + 1)")
        rule.match = Configuration.Match.read(reader.section("match"))
        if let logs = reader.boolean("logs") { rule.logs = logs }
        if let follow = reader.boolean("follow") { rule.follow = follow }
        if let sample = reader.sampling("sample") { rule.sample = sample }
        reader.requireValue("artifacts", "list the paths as `- /path/in/container`, or write `artifacts: []` for none")
        rule.artifacts = (reader.list("artifacts") ?? []).enumerated().compactMap { place, node in
            Configuration.Artifact.read(node, at: "\(reader.path("artifacts"))[\(place)]", findings: reader.findings)
        }
        reader.finish()
        return rule
    }
}

extension Configuration.Match {
    static func read(_ section: NodeReader) -> Configuration.Match {
        var match = Configuration.Match()
        match.image = section.glob("image")
        match.tag = section.glob("tag")
        match.location = section.glob("location")
        let labels = section.section("labels")
        for key in labels.userKeys() { match.labels[key] = labels.glob(key) }
        section.finish()
        return match
    }
}

extension Configuration.Prune {
    fileprivate static func read(_ reader: NodeReader) -> Configuration.Prune {
        var policy = Configuration.Prune()
        policy.match = Configuration.Match.read(reader.section("match"))
        if let value = reader.duration("older_than", from: 0) { policy.olderThan = value }
        if let value = reader.size("max_bytes") { policy.maxBytes = value }
        if let value = reader.integer("keep_per_signature", in: 0...1_000_000) { policy.keepPerSignature = value }
        reader.finish()
        return policy
    }
}

extension Configuration.Artifact {
    fileprivate static func read(
        _ node: YAMLNode, at key: String, findings: NodeReader.Findings
    ) -> Configuration.Artifact? {
        var sample = Sampling.always
        var text = node.text
        if text == nil {
            let reader = NodeReader(node, at: key, findings: findings)
            text = reader.string("path")
            if let value = reader.sampling("sample") { sample = value }
            reader.finish()
        }
        guard let text else {
            let issue = ConfigurationIssue(
                line: node.line, key: key, message: "has no path", fix: "write `- /path/in/container` or `- path: /…`")
            findings.issues.append(issue)
            return nil
        }
        do {
            return Configuration.Artifact(path: try PathTemplate(text), sample: sample)
        } catch {
            let message = "the path '\(text)' \(error.reason)"
            findings.issues.append(ConfigurationIssue(line: node.line, key: key, message: message, fix: error.fix))
            return nil
        }
    }
}

extension NodeReader {
    func duration(_ key: String, from least: Int64) -> Int64? {
        value(key, expected: "write a duration of at least \(least) ms, such as 5s, 10m or 4h") { text in
            Quantity.milliseconds(text).flatMap { $0 >= least ? $0 : nil }
        }
    }

    func size(_ key: String) -> UInt64? {
        value(key, expected: "write a size such as 64KiB, 100MB or 2GiB", Quantity.bytes)
    }

    fileprivate func sampling(_ key: String) -> Sampling? {
        value(key, expected: "write always, crashed, never or a percentage from 0% to 100%, such as 10%", Sampling.init)
    }

    fileprivate func patterns(_ key: String) -> [SignaturePattern] {
        (list(key) ?? []).compactMap { node in
            guard let text = node.text else {
                note(
                    node.line, path(key), "must list function names, not \(Self.kind(node))",
                    "write `- Engine::Assert*`")
                return nil
            }
            if let pattern = SignaturePattern(text) { return pattern }
            note(
                node.line, path(key), "invalid pattern '\(text)'",
                "write a function name, with * for any text, or a POSIX extended regular expression between slashes")
            return nil
        }
    }

    /// Reads one entry of `allow_missing`; notes an issue and returns nil unless it is a known barrier.
    fileprivate func barrier(_ node: YAMLNode) -> String? {
        let known = Configuration.Confinement.barriers
        let text = node.text
        if let text, known.contains(text) { return text }
        let near = text.flatMap { Spelling.nearest(to: $0, among: known) }
        note(
            node.line, path("allow_missing"),
            "unknown barrier '\(text ?? Self.kind(node))'",
            near.map { "did you mean '\($0)'?" } ?? "use one of: \(known.joined(separator: ", "))")
        return nil
    }

    /// Reads a list of globs, as text.
    fileprivate func globs(_ key: String) -> [String] {
        (list(key) ?? []).compactMap { node -> String? in
            guard let text = node.text, !text.isEmpty else {
                note(node.line, path(key), "must list tags, not \(Self.kind(node))", "write `- 1.4.*`")
                return nil
            }
            do throws(Glob.Malformed) {
                _ = try Glob(checking: text)
                return text
            } catch {
                note(
                    node.line, path(key), "the pattern '\(text)' \(error.reason)", "escape the character with '\\'")
                return nil
            }
        }
    }

    fileprivate func glob(_ key: String) -> Glob? {
        guard let text = string(key) else { return nil }
        do {
            return try Glob(checking: text)
        } catch {
            note(lineOf(key), path(key), "the pattern '\(text)' \(error.reason)", "escape the character with '\\'")
            return nil
        }
    }
}
