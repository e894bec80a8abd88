/// When to colour: the value of `--color`.
public enum ColorChoice: String, Sendable, CaseIterable {
    case auto, always, never
}

/// How output looks: its colours and weights, its characters, and the width that it must fit.
///
/// Every function returns its text unchanged where colour is off.
public struct Style: Sendable {
    /// Whether escape sequences are written at all.
    public let isEnabled: Bool
    /// The characters that can be shown.
    public let charset: Charset
    /// The number of columns that tables must fit; nil if they may be as wide as they are.
    public let width: Int?

    /// Decides from the choice, the descriptor and the environment. `auto` colours, in this order: nothing if `NO_COLOR`
    /// is set (https://no-color.org); everything if `CLICOLOR_FORCE` is set and not 0; nothing if `CLICOLOR` is 0 or
    /// `TERM` is `dumb`; else what goes to a terminal.
    public init(choice: ColorChoice, descriptor: Int32) {
        let isTerminal = StandardStream.isTerminal(descriptor)
        self.init(
            isEnabled: Self.colors(choice, isTerminal: isTerminal) { Environment.value($0) },
            width: descriptor == 1 ? StandardStream.width : nil)
    }

    /// A style with known properties.
    public init(isEnabled: Bool, charset: Charset = .locale, width: Int? = nil) {
        self.isEnabled = isEnabled
        self.charset = charset
        self.width = width
    }

    /// Whether to colour, as ``init(choice:descriptor:)`` says.
    static func colors(_ choice: ColorChoice, isTerminal: Bool, _ value: (_ variable: String) -> String?) -> Bool {
        switch choice {
        case .always: return true
        case .never: return false
        case .auto:
            if let refused = value("NO_COLOR"), !refused.isEmpty { return false }
            if let forced = value("CLICOLOR_FORCE"), !forced.isEmpty, forced != "0" { return true }
            return isTerminal && value("CLICOLOR") != "0" && value("TERM") != "dumb"
        }
    }

    /// Bold text.
    public func bold(_ text: String) -> String { wrap(text, "1") }
    /// Less important text.
    public func dim(_ text: String) -> String { wrap(text, "2") }
    /// Something that failed or was lost.
    public func red(_ text: String) -> String { wrap(text, "31") }
    /// Something that is good.
    public func green(_ text: String) -> String { wrap(text, "32") }
    /// Something that needs attention.
    public func yellow(_ text: String) -> String { wrap(text, "33") }
    /// A name to pass to another command.
    public func cyan(_ text: String) -> String { wrap(text, "36") }
    /// A path or a session, as ripgrep colours it.
    public func magenta(_ text: String) -> String { wrap(text, "35") }

    private func wrap(_ text: String, _ code: String) -> String {
        isEnabled && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
