import Glibc
import Terminal
import Text

/// A member's path on the command line: its bytes, or its printable form.
struct PathArgument {
    /// The bytes as they were typed.
    let typed: [UInt8]
    /// The path whose printable form was typed; nil if the text is not a printable form or is the path itself.
    let printed: [UInt8]?

    /// - Parameter text: an argument of the command line.
    init(_ text: String) {
        typed = Self.bytes(text)
        let path = Escape.path(of: text)
        printed = path == typed ? nil : path
    }

    /// Whether the argument is the bytes or the printable form of `path`.
    func names(_ path: [UInt8]) -> Bool { path == typed || path == printed }

    /// The argument's original bytes. `String` replaces bytes that are not UTF-8, which a path may hold.
    private static func bytes(_ text: String) -> [UInt8] {
        guard text.unicodeScalars.contains("\u{FFFD}") else { return Array(text.utf8) }
        var found: [[UInt8]] = []
        for index in 0..<Int(CommandLine.argc) {
            guard let argument = CommandLine.unsafeArgv[index] else { continue }
            let bytes = UnsafeRawBufferPointer(start: argument, count: strlen(argument))
            guard String(decoding: bytes, as: UTF8.self).hasSameBytes(as: text) else { continue }
            if !found.contains(Array(bytes)) { found.append(Array(bytes)) }
        }
        // Two different arguments with the same text cannot be told apart. Without any, the text came from elsewhere.
        return found.count == 1 ? found[0] : Array(text.utf8)
    }
}
