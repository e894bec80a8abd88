/// The names in an entry's extended headers, byte for byte.
///
/// libarchive cuts a pax path at a NUL byte and converts it to the locale's character set, losing bytes that do not fit.
/// Names are evidence, so they are read from the header blocks themselves: pax records per POSIX.1-2017, pax,
/// "pax Extended Header"; GNU's sparse name per the GNU tar manual, "PAX Format, Versions 0.0 to 1.0".
struct PaxNames {
    private(set) var path: [UInt8]?
    private(set) var linkTarget: [UInt8]?

    /// Reads the headers of one entry from its first block on; nil when it has no pax header.
    init?(blocks: UnsafeRawBufferPointer) {
        var at = 0
        var records: UnsafeRawBufferPointer?
        // The first header that names the entry wins, as in libarchive, which applies headers from the innermost
        // outwards.
        var longNameFirst = false
        var longLinkFirst = false
        while blocks.count - at >= TarFormat.blockSize,
            let next = SpecialHeader(UnsafeRawBufferPointer(rebasing: blocks[at..<(at + TarFormat.blockSize)]))
        {
            let start = at + TarFormat.blockSize
            guard next.size <= blocks.count - start else { break }
            switch next.type {
            case UInt8(ascii: "L"): if records == nil { longNameFirst = true }
            case UInt8(ascii: "K"): if records == nil { longLinkFirst = true }
            default: if next.isPax { records = UnsafeRawBufferPointer(rebasing: blocks[start..<(start + next.size)]) }
            }
            at = start + next.paddedSize
        }
        guard let records else { return nil }
        read(records)
        if longNameFirst { path = nil }
        if longLinkFirst { linkTarget = nil }
    }

    /// Reads records of the form `LENGTH KEY=VALUE\n`; stops at the first that is malformed, as libarchive does.
    private mutating func read(_ records: UnsafeRawBufferPointer) {
        var rest = records
        var sparseName: [UInt8]?
        while !rest.isEmpty {
            var length = 0
            var digits = 0
            while digits < rest.count, digits < 8, rest[digits] >= 0x30, rest[digits] <= 0x39 {
                length = length * 10 + Int(rest[digits] - 0x30)
                digits += 1
            }
            guard digits > 0, digits < rest.count, rest[digits] == 0x20, length > digits + 1, length <= rest.count,
                rest[length - 1] == 0x0a
            else { break }
            let record = UnsafeRawBufferPointer(rebasing: rest[(digits + 1)..<(length - 1)])
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
            guard let equals = record.firstIndex(of: 0x3d) else { break }
            let key = record[..<equals]
            let value = record[(equals + 1)...]
            if key.elementsEqual("path".utf8) {
                path = Array(value)
            } else if key.elementsEqual("linkpath".utf8) {
                linkTarget = Array(value)
            } else if key.elementsEqual("GNU.sparse.name".utf8) {
                sparseName = Array(value)
            }
        }
        if let sparseName { path = sparseName }
    }
}
