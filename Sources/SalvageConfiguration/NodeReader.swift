/// Reads one mapping of a YAML document and checks its keys and types. It collects every issue instead of stopping at
/// the first.
final class NodeReader {
    /// The issues found so far, shared by all readers of one document.
    final class Findings {
        var issues: [ConfigurationIssue] = []
    }

    let findings: Findings
    private let prefix: String
    private let line: Int
    private var entries: [String: YAMLNode] = [:]
    private var order: [(key: String, line: Int)] = []
    private var asked: Set<String> = []

    /// Reads a node that must be a mapping. Anything else is noted as an issue and treated as an empty mapping.
    init(_ node: YAMLNode?, at prefix: String, findings: Findings) {
        self.findings = findings
        self.prefix = prefix
        line = node?.line ?? 0
        guard let node, !node.isNull else { return }
        guard case .mapping(let mapping) = node.content else {
            note(
                line, prefix, "must be a mapping of keys to values, but is \(Self.kind(node))",
                "write `key: value` lines")
            return
        }
        for entry in mapping {
            guard let key = entry.key.text else {
                note(entry.key.line, prefix, "has a key that is not a string", "write `key: value` lines")
                continue
            }
            if entries.updateValue(entry.value, forKey: key) != nil {
                note(entry.key.line, path(key), "is set twice", "keep one of the two")
            }
            order.append((key, entry.key.line))
        }
    }

    /// Whether the mapping has no key at all.
    var isEmpty: Bool { order.isEmpty }

    func path(_ key: String) -> String { prefix.isEmpty ? key : "\(prefix).\(key)" }

    func note(_ line: Int, _ key: String, _ message: String, _ fix: String) {
        findings.issues.append(ConfigurationIssue(line: line, key: key, message: message, fix: fix))
    }

    /// Returns the node under a key; nil when absent or null.
    func node(_ key: String) -> YAMLNode? {
        asked.insert(key)
        guard let node = entries[key], !node.isNull else { return nil }
        return node
    }

    /// Notes an issue if the key is present without a value. A truncated file must not look like an empty list.
    func requireValue(_ key: String, _ fix: String) {
        guard let node = entries[key], node.isNull else { return }
        note(lineOf(key), path(key), "has no value; is the file truncated?", fix)
    }

    /// Returns all keys in file order, for mappings whose keys the user chooses.
    func userKeys() -> [String] {
        for entry in order { asked.insert(entry.key) }
        return order.map(\.key)
    }

    /// Returns a reader for the mapping under a key; an empty reader when absent.
    func section(_ key: String) -> NodeReader { NodeReader(node(key), at: path(key), findings: findings) }

    /// Returns the text under a key; nil when absent, or noted as an issue when not a scalar.
    func string(_ key: String) -> String? {
        guard let node = node(key) else { return nil }
        guard let text = node.text else {
            note(node.line, path(key), "must be text, but is \(Self.kind(node))", "write one value")
            return nil
        }
        return text
    }

    /// Returns the text under a key, converted by `read`. Notes an issue with `expected` as its fix when `read` returns
    /// nil.
    func value<Value>(_ key: String, expected: String, _ read: (String) -> Value?) -> Value? {
        guard let text = string(key) else { return nil }
        if let value = read(text) { return value }
        note(lineOf(key), path(key), "invalid value '\(text)'", expected)
        return nil
    }

    /// Returns the boolean under a key.
    func boolean(_ key: String) -> Bool? {
        value(key, expected: "write true or false") { text in
            switch text.lowercased() {
            case "true", "yes", "on": true
            case "false", "no", "off": false
            default: nil
            }
        }
    }

    /// Returns the integer under a key; outside `range` is an issue.
    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        value(key, expected: "write a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Returns the nodes of the list under a key; a single value is a list of one.
    func list(_ key: String) -> [YAMLNode]? {
        guard let node = node(key) else { return nil }
        switch node.content {
        case .sequence(let items): return items
        case .scalar: return [node]
        case .mapping:
            note(node.line, path(key), "must be a list, but is \(Self.kind(node))", "write `- …` lines")
            return nil
        }
    }

    func lineOf(_ key: String) -> Int { entries[key]?.line ?? line }

    /// Notes every key in the file that was never looked up, with the likely spelling.
    func finish() {
        for entry in order where !asked.contains(entry.key) {
            let near = Spelling.nearest(to: entry.key, among: asked.sorted())
            let known = asked.sorted().joined(separator: ", ")
            note(
                entry.line, path(entry.key), "unknown key",
                near.map { "did you mean '\($0)'?" } ?? "use one of: \(known)")
        }
    }

    static func kind(_ node: YAMLNode) -> String {
        switch node.content {
        case .scalar: "a single value"
        case .mapping: "a mapping"
        case .sequence: "a list"
        }
    }
}
