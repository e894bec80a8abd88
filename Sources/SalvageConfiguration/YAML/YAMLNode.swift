/// A value of a YAML document and everything below it.
///
/// Scalars are text: the reader of a value decides its type. Tags are ignored. An alias is replaced by the value that it
/// names, with the position of that value.
package struct YAMLNode: Sendable {
    /// The three kinds of a value.
    package enum Content: Sendable {
        /// A single value. `isPlain` is false for text in quotes and for block text (`|`, `>`), which are never null.
        case scalar(String, isPlain: Bool)
        /// A list.
        case sequence([YAMLNode])
        /// Keys and values in file order. No two keys are scalars with the same bytes.
        case mapping([Entry])
    }

    /// A key and its value.
    package struct Entry: Sendable {
        /// The key. YAML allows lists and mappings here, too.
        package var key: YAMLNode
        /// The value.
        package var value: YAMLNode
    }

    /// The value itself.
    package var content: Content
    /// The line at which the value begins, counted from 1.
    package var line: Int
    /// The column at which the value begins, in Unicode scalars, counted from 1.
    package var column: Int

    /// The text of a scalar; nil for a list or mapping.
    package var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// Whether the value is `~`, `null` or nothing at all, without quotes.
    package var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }
}
