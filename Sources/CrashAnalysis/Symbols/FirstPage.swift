import Bytes
import Digest

/// Identifies programs linked without a build id, as those of Go, musl and clang are, by the first page of their file,
/// which a core holds for each module.
enum FirstPage {
    static let size = 4096
    /// Hexadecimal digits of the digest: as many as a build id has.
    private static let digits = 40

    /// Returns a digest of the page; nil when it is incomplete or has no ELF header.
    ///
    /// The offset and number of sections are masked: they differ between a stripped program and the one with symbols.
    static func digest(_ page: [UInt8]) -> String? {
        guard page.count == size, ELFHeader(page) != nil else { return nil }
        var page = page
        let sections = page[4] == 2 ? [0x28..<0x30, 0x3c..<0x40] : [0x20..<0x24, 0x30..<0x34]
        for range in sections { for at in range { page[at] = 0 } }
        return String(Hex.text(SHA256.digest(page)).prefix(digits))
    }

    /// Returns the digest of a file's first page; a shorter file is padded with zeros, as in memory.
    static func digest(of source: any ByteSource) -> String? {
        var page = source.bytes(at: 0, count: size)
        guard page.count >= 64 else { return nil }
        page += [UInt8](repeating: 0, count: size - page.count)
        return digest(page)
    }
}

extension SymbolStore {
    private static let byName = "/.by-name/"
    private static let longestName = 200

    /// Returns the path of a program without a build id; nil for a name that could lead out of the store.
    ///
    /// `page` is the digest of its first page; nil for the file that the user declared to be this program.
    public func path(name: String, firstPage page: String?) -> String? {
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= Self.longestName,
            !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }),
            page?.utf8.allSatisfy({ Hex.value($0) != nil }) ?? true, page?.isEmpty != true
        else { return nil }
        return root + Self.byName + name + "/" + (page ?? "given")
    }

    /// Adds the programs without a build id.
    func addNamed(to survey: inout Survey) {
        for name in survey.names(in: root + Self.byName) {
            for page in survey.names(in: root + Self.byName + name) where !page.hasSuffix(".tmp") {
                survey.add(page, .executable, root + Self.byName + name + "/" + page)
            }
        }
    }
}
