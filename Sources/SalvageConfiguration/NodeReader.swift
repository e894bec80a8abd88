import Yams

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
    private var entries: [String: Node] = [:]
    private var order: [(key: String, line: Int)] = []
    private var asked: Set<String> = []

    /// Reads a node that must be a mapping. Anything else is noted as an issue and treated as an empty mapping.
    init(_ node: Node?, at prefix: String, findings: Findings) {
        self.findings = findings
        self.prefix = prefix
        line = node?.mark?.line ?? 0
        guard let node, !Self.isNull(node) else { return }
        guard case .mapping(let mapping) = node else {
            note(
                line, prefix, "must be a mapping of keys to values, but is \(Self.kind(node))",
                "write `key: value` lines")
            return
        }
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                note(key.mark?.line ?? line, prefix, "has a key that is not a string", "write `key: value` lines")
                continue
            }
            let keyLine = scalar.mark?.line ?? line
            if entries.updateValue(value, forKey: scalar.string) != nil {
                note(keyLine, path(scalar.string), "is set twice", "keep one of the two")
            }
            order.append((scalar.string, keyLine))
        }
    }

    /// Whether the mapping has no key at all.
    var isEmpty: Bool { order.isEmpty }

    func path(_ key: String) -> String { prefix.isEmpty ? key : "\(prefix).\(key)" }

    func note(_ line: Int, _ key: String, _ message: String, _ fix: String) {
        findings.issues.append(ConfigurationIssue(line: line, key: key, message: message, fix: fix))
    }

    /// Returns the node under a key; nil when absent or null.
    func node(_ key: String) -> Node? {
        asked.insert(key)
        guard let node = entries[key], !Self.isNull(node) else { return nil }
        return node
    }

    /// Notes an issue if the key is present without a value. A truncated file must not look like an empty list.
    func requireValue(_ key: String, _ fix: String) {
        guard let node = entries[key], Self.isNull(node) else { return }
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
        guard case .scalar(let scalar) = node else {
            note(node.mark?.line ?? line, path(key), "must be text, but is \(Self.kind(node))", "write one value")
            return nil
        }
        return scalar.string
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
    func list(_ key: String) -> [Node]? {
        guard let node = node(key) else { return nil }
        switch node {
        case .sequence(let sequence): return Array(sequence)
        case .scalar: return [node]
        case .mapping, .alias:
            note(node.mark?.line ?? line, path(key), "must be a list, but is \(Self.kind(node))", "write `- …` lines")
            return nil
        }
    }

    func lineOf(_ key: String) -> Int { entries[key]?.mark?.line ?? line }

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

    static func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
        return scalar.string.isEmpty || scalar.string == "~" || scalar.string == "null"
    }

    static func kind(_ node: Node) -> String {
        switch node {
        case .scalar: "a single value"
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}
