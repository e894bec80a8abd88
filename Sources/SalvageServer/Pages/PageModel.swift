import Text

/// What one page, or one row of a page, tells its template: names and values.
///
/// Text is made safe for people when it is put in: control characters and characters that reorder text become escapes. It is
/// made safe for markup by the template engine, which escapes each value that it writes.
struct PageModel: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// A value of a template.
    indirect enum Value: Sendable, Equatable {
        /// Text that may be shown; made by ``text(_:most:)``, ``block(_:most:)`` or ``address(_:)``.
        case shown(String)
        /// Whether a section is shown.
        case flag(Bool)
        /// A section that is shown once, with its own names.
        case one(PageModel)
        /// A section that is shown for each.
        case list([PageModel])

        /// One line of text from anywhere, cut after `most` bytes.
        static func text(_ text: String, most: Int = 2000) -> Value {
            .shown(Escape.display(PageModel.cut(text, most)))
        }

        /// Text of several lines, for an element that keeps line feeds and tabs.
        static func block(_ bytes: some Collection<UInt8>, most: Int = 16_000) -> Value {
            var out: [UInt8] = []
            Array(bytes.prefix(most)).withUnsafeBytes { Escape.append($0, to: &out, keeping: .tabsAndLines) }
            if bytes.count > most { out += "…".utf8 }
            return .shown(String(decoding: out, as: UTF8.self))
        }

        /// One line of a log, with its tabs, cut after `most` bytes.
        static func line(_ bytes: some Collection<UInt8>, most: Int = 2000) -> Value {
            var out: [UInt8] = []
            Array(bytes.prefix(most)).withUnsafeBytes { Escape.append($0, to: &out, keeping: .tabs) }
            if bytes.count > most { out += "…".utf8 }
            return .shown(String(decoding: out, as: UTF8.self))
        }

        /// A link's target that ``PageLink`` made, or a form's token.
        static func address(_ address: String) -> Value { .shown(address) }

        /// A number.
        static func number(_ number: Int) -> Value { .shown(String(number)) }
    }

    /// The values by name. Names are the templates' own, never data.
    private(set) var fields: [String: Value] = [:]

    init(dictionaryLiteral elements: (String, Value)...) {
        for (name, value) in elements { fields[name] = value }
    }

    /// A value; nil removes it.
    subscript(name: String) -> Value? {
        get { fields[name] }
        set { fields[name] = newValue }
    }

    /// Sets text unless it is nil or empty.
    mutating func set(_ name: String, _ text: String?, most: Int = 2000) {
        if let text, !text.isEmpty { fields[name] = .text(text, most: most) }
    }

    /// Adds the values of another model.
    func with(_ other: PageModel) -> PageModel {
        var sum = self
        sum.fields.merge(other.fields) { _, new in new }
        return sum
    }

    /// Cuts a text after a number of bytes, between two characters.
    private static func cut(_ text: String, _ most: Int) -> String {
        guard text.utf8.count > most else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: most)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return text[..<end] + "…"
    }
}

extension PageModel.Value: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringInterpolation {
    init(stringLiteral value: String) { self = .text(value) }
    init(booleanLiteral value: Bool) { self = .flag(value) }
}
