/// How much text one dump may name: thousands of modules and threads may all point at one long text of a small file, and
/// each would carry a copy of it in the record.
final class NameAllowance {
    /// Bytes of all names together; the modules of the largest games have a tenth of it.
    static let limit = 4 << 20
    /// Characters of a module's or a thread's name, as file systems have them.
    static let longestName = 255
    /// Bytes of a build id; the linkers' own have 20 or 32.
    static let longestIdentity = 64
    /// Characters of a command line, the longest argument that Linux takes.
    static let longestCommand = 128 << 10

    private var left = NameAllowance.limit
    /// True when a name was left out.
    private(set) var isUsedUp = false

    /// True when that many bytes more may be kept.
    func take(_ count: Int) -> Bool {
        guard count <= left else {
            isUsedUp = true
            return false
        }
        left -= count
        return true
    }

    /// The beginning of a text; characters here are Unicode scalars, whose bytes are bounded.
    static func cut(_ text: String, to longest: Int) -> String {
        guard text.utf8.count > longest, text.unicodeScalars.count > longest else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(longest)))
    }
}
