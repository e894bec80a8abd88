/// Tells apart programs that were linked without a build id, as those of Go, musl and clang are: by the first page of their
/// file, which a core keeps of each module.
enum FirstPage {
    static let size = 4096
    /// As long as a build id.
    private static let digits = 40

    /// A digest of the page; nil where it is not there as a whole or is no ELF header.
    ///
    /// Where sections lie and how many they are is left out: a stripped program and the one with symbols differ there.
    static func digest(_ page: [UInt8]) -> String? {
        guard page.count == size, ELFHeader(page) != nil else { return nil }
        var page = page
        let sections = page[4] == 2 ? [0x28..<0x30, 0x3c..<0x40] : [0x20..<0x24, 0x30..<0x34]
        for range in sections { for at in range { page[at] = 0 } }
        return String(Digest.sha256(page).prefix(digits))
    }

    /// The same of a file, which may be shorter than a page: memory holds zeros behind it.
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

    /// Where a program without a build id lies; nil for a name that could lead out of the store.
    ///
    /// `page` is the digest of its first page; without one, what the user vouches for.
    public func path(name: String, firstPage page: String?) -> String? {
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= Self.longestName,
            !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }),
            page?.utf8.allSatisfy({ hexValue($0) != nil }) ?? true, page?.isEmpty != true
        else { return nil }
        return root + Self.byName + name + "/" + (page ?? "given")
    }

    /// Programs without a build id.
    func namedEntries() -> [Entry] {
        var entries: [Entry] = []
        for name in Self.names(in: root + Self.byName) {
            for page in Self.names(in: root + Self.byName + name) where !page.hasSuffix(".tmp") {
                let path = root + Self.byName + name + "/" + page
                guard let size = Self.fileSize(path) else { continue }
                entries.append(Entry(identity: page, kind: .executable, size: size, path: path))
            }
        }
        return entries
    }
}
