import Glibc
import Store
import Text

extension MemberPath {
    /// A member's path on the command line.
    init(argument text: String) { self.init(text, bytes: Self.bytes(text)) }

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
