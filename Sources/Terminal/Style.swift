import Glibc

/// When to colour: the value of `--color`.
public enum ColorChoice: String, Sendable, CaseIterable {
    case auto, always, never
}

/// Colours and weights of terminal output; every function returns its text unchanged where colour is off.
public struct Style: Sendable {
    /// Whether escape sequences are written at all.
    public let isEnabled: Bool

    /// Decides from the choice, the descriptor, `NO_COLOR` (https://no-color.org) and `TERM=dumb`.
    public init(choice: ColorChoice, descriptor: Int32) {
        switch choice {
        case .always: isEnabled = true
        case .never: isEnabled = false
        case .auto:
            let refused = Environment.value("NO_COLOR").map { !$0.isEmpty } ?? false
            isEnabled = isatty(descriptor) == 1 && !refused && Environment.value("TERM") != "dumb"
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

/// The process environment.
public enum Environment {
    /// The value of a variable; nil if it is not set.
    public static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// All variables.
    public static var all: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return variables
    }
}
