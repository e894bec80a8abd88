/// A budget for the names of one dump: in a small file, thousands of modules and threads can all refer to one long
/// text, and each puts a copy of it into the record.
final class NameAllowance {
    /// The most bytes of all names together; the modules of the largest games take a tenth of it.
    static let limit = 4 << 20
    /// The most characters of a module's or thread's name: the limit of file systems.
    static let longestName = 255
    /// The most bytes of a build id; linkers write 20 or 32.
    static let longestIdentity = 64
    /// The most characters of a command line: the longest argument that Linux accepts.
    static let longestCommand = 128 << 10

    private var left = NameAllowance.limit
    /// True when a name was left out.
    private(set) var isUsedUp = false

    /// Takes `count` bytes from the allowance; false when fewer are left.
    func take(_ count: Int) -> Bool {
        guard count <= left else {
            isUsedUp = true
            return false
        }
        left -= count
        return true
    }

    /// Returns the first `longest` characters of a text, counted as Unicode scalars, which are bounded in bytes.
    static func cut(_ text: String, to longest: Int) -> String {
        guard text.utf8.count > longest, text.unicodeScalars.count > longest else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(longest)))
    }
}
