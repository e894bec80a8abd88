/// The characters that the user's locale can show.
public enum Charset: Sendable {
    /// All of Unicode.
    case utf8
    /// ASCII only.
    case ascii

    /// The one of the process: UTF-8 where `LC_ALL`, else `LC_CTYPE`, else `LANG`, says so.
    public static let locale = Charset { Environment.value($0) }

    /// The one of these variables.
    public init(_ value: (_ variable: String) -> String?) {
        let name = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(value).first { !$0.isEmpty }
        let letters = (name ?? "").lowercased().filter { $0 != "-" }
        self = letters.contains("utf8") ? .utf8 : .ascii
    }

    /// The text as the charset can show it: in ASCII, signs that salvage draws become similar ones, and any other
    /// character `\u{e9}`.
    public func text(_ text: String) -> String {
        guard self == .ascii, !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            if scalar.isASCII {
                out.unicodeScalars.append(scalar)
            } else {
                out += Self.similar(scalar) ?? "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return out
    }

    /// What a cut leaves out.
    var ellipsis: String { self == .utf8 ? "…" : "..." }

    private static func similar(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "…": return "..."
        case "·", "•": return "."
        case "→": return "->"
        case "←": return "<-"
        case "↑": return "^"
        case "↓": return "v"
        case "×": return "x"
        case "–", "—", "─", "━": return "-"
        case "│", "┃": return "|"
        case "┌", "┐", "└", "┘", "├", "┤", "┬", "┴", "┼": return "+"
        case "‘", "’": return "'"
        case "“", "”": return "\""
        case "✓": return "ok"
        case "✗": return "x"
        // The eight levels of a bar.
        case "▁": return "_"
        case "▂": return "."
        case "▃": return ":"
        case "▄": return "-"
        case "▅": return "="
        case "▆": return "+"
        case "▇": return "*"
        case "█": return "#"
        case "░", "▒", "▓": return "%"
        default: return nil
        }
    }
}
