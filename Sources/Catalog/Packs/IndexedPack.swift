/// A pack with its crash records read, so that no JSON is parsed while the write lock is held.
struct IndexedPack {
    let contents: PackContents
    let crashes: [IndexedCrash]

    /// - Parameter replacesNUL: as of ``CrashColumns/init(json:replacesNUL:)``.
    init(_ contents: PackContents, replacesNUL: Bool) {
        self.contents = contents
        crashes = contents.crashes.enumerated().map { ordinal, packed in
            guard let renewed = contents.renewed[ordinal] else {
                return IndexedCrash(packed, replacesNUL: replacesNUL)
            }
            var crash = IndexedCrash(renewed, replacesNUL: replacesNUL)
            crash.packedSignature = IndexedCrash(packed, replacesNUL: replacesNUL).signature
            return crash
        }
    }
}

/// A crash record with the values of its row.
struct IndexedCrash {
    let json: [UInt8]
    let columns: CrashColumns
    /// The modules without symbols, as ``WantedSet`` writes them.
    let wanted: String?
    /// The signature in the pack, if a renewed record replaces the pack's.
    var packedSignature: String?

    var signature: String { columns.signature ?? "unknown" }

    init(_ json: [UInt8], replacesNUL: Bool) {
        self.json = json
        columns = CrashColumns(json: json, replacesNUL: replacesNUL)
        wanted = replacesNUL ? WantedSet.text(json).map(CrashColumns.withoutNUL) : WantedSet.text(json)
    }
}
