internal import CPCRE2
import Model

extension RedactionRule {
    /// Reads an item of `redact:`: a pattern, or a mapping that contains one. Notes an issue and returns nil when the
    /// pattern is missing or invalid.
    static func read(_ node: YAMLNode, at key: String, findings: NodeReader.Findings, index: Int) -> Self? {
        var rule = Self(name: "redact[\(index)]", pattern: "")
        if let pattern = node.text {
            rule.pattern = pattern
        } else {
            let reader = NodeReader(node, at: key, findings: findings)
            if let name = reader.string("name") { rule.name = name }
            if let pattern = reader.string("pattern") { rule.pattern = pattern }
            if let replacement = reader.string("replace") { rule.replacement = replacement }
            reader.finish()
        }
        func refuse(_ message: String, _ fix: String) {
            findings.issues.append(ConfigurationIssue(line: node.line, key: key, message: message, fix: fix))
        }
        guard !rule.pattern.isEmpty else {
            refuse("has no pattern", "write `- 'pattern'` or `- {pattern: '…', replace: '…'}`")
            return nil
        }
        if let problem = problem(rule.pattern) {
            refuse("the pattern '\(rule.pattern)' \(problem)", "write a PCRE2 pattern in single quotes")
            return nil
        }
        guard !rule.replacement.utf8.contains(0x0a) else {
            refuse("the replacement contains a line feed", "replace within one line")
            return nil
        }
        return rule
    }

    /// Returns why a pattern is refused, worded to follow "the pattern"; nil when it is valid.
    private static func problem(_ pattern: String) -> String? {
        var error: Int32 = 0
        var offset = 0
        let bytes = Array(pattern.utf8)
        let options = UInt32(PCRE2_UTF) | UInt32(PCRE2_UCP) | UInt32(PCRE2_NEVER_BACKSLASH_C)
        guard let code = pcre2_compile_8(bytes, bytes.count, options, &error, &offset, nil) else {
            var text = [UInt8](repeating: 0, count: 256)
            let length = pcre2_get_error_message_8(error, &text, text.count)
            let words = length > 0 ? String(decoding: text.prefix(Int(length)), as: UTF8.self) : "error \(error)"
            return "is invalid at byte \(offset + 1): \(words)"
        }
        defer { pcre2_code_free_8(code) }
        // A pattern that matches the empty string matches everywhere and identifies nothing to remove.
        var empty: UInt32 = 0
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_MATCHEMPTY), &empty)
        return empty != 0 ? "can match the empty string" : nil
    }
}
