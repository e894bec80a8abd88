import Glibc
import Terminal
import Text

/// The path of a member as people and scripts give it: its bytes, or its printable form.
struct PathArgument {
    /// The bytes as they were typed.
    let typed: [UInt8]
    /// The path whose printable form was typed; nil when it is no printable form, or means itself.
    let printed: [UInt8]?

    /// - Parameter text: an argument of the command line.
    init(_ text: String) {
        typed = Self.bytes(text)
        let path = Escape.path(of: text)
        printed = path == typed ? nil : path
    }

    /// Whether it is a path's bytes or its printable form.
    func names(_ path: [UInt8]) -> Bool { path == typed || path == printed }

    /// The argument before bytes that are no UTF-8 were replaced in it: a path may hold them.
    private static func bytes(_ text: String) -> [UInt8] {
        guard text.unicodeScalars.contains("\u{FFFD}") else { return Array(text.utf8) }
        var found: [[UInt8]] = []
        for index in 0..<Int(CommandLine.argc) {
            guard let argument = CommandLine.unsafeArgv[index] else { continue }
            let bytes = UnsafeRawBufferPointer(start: argument, count: strlen(argument))
            guard String(decoding: bytes, as: UTF8.self).hasSameBytes(as: text) else { continue }
            if !found.contains(Array(bytes)) { found.append(Array(bytes)) }
        }
        // Two arguments that read alike cannot be told apart; none was found where it came from elsewhere.
        return found.count == 1 ? found[0] : Array(text.utf8)
    }
}
