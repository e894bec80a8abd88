import Catalog
public import Model
import Text

/// One session with a crash of a signature, and how good an example of it is.
private struct SignatureExample {
    let session: String
    let build: String
    let worth: Int
    let time: Int64

    init(_ row: CrashRow) {
        session = row.session
        build = [row.image, row.tag ?? ""].joined(separator: "\u{0}")
        let hasDump = row.kind == "elf_core" || row.kind == "minidump"
        let quality =
            switch row.signatureQuality.flatMap(SignatureQuality.init(rawValue:)) {
            case .symbol: 3
            case .message: 2
            case .offset: 1
            case .some(.none), nil: 0
            }
        worth = (hasDump ? 4 : 0) + quality
        time = row.time ?? 0
    }

    /// Whether this is the better example: with a dump, then with names, then newer.
    func isBetter(than other: SignatureExample) -> Bool {
        if worth != other.worth { return worth > other.worth }
        if time != other.time { return time > other.time }
        return session.precedesInBytes(other.session)
    }
}

extension Store {
    /// The sessions that show a signature best: with a dump, with names in the stack, of different builds, newest first.
    ///
    /// - Parameters:
    ///   - selection: the crashes, with the signature among its ``Selection/signatures``.
    ///   - most: the number of sessions.
    /// - Throws: ``StoreError`` with `noSessions` if no selected crash is in a session with a pack; `CatalogError`.
    public func examples(_ selection: Selection, most: Int) throws -> [String] {
        var best: ByteDictionary<SignatureExample> = [:]
        try catalog().forEachCrash(try resolved(selection)) { row in
            let example = SignatureExample(row)
            if let known = best[row.session], !example.isBetter(than: known) { return }
            best[row.session] = example
        }
        let ranked = best.values.sorted { $0.isBetter(than: $1) }
        var builds: ByteSet = []
        var chosen: [SignatureExample] = []
        var others: [SignatureExample] = []
        for example in ranked {
            if builds.contains(example.build) {
                others.append(example)
                continue
            }
            // The best example of a build may have been pruned; then the next one stands for the build.
            guard chosen.count < most, try catalog().session(example.session)?.pack != nil else { continue }
            builds.insert(example.build)
            chosen.append(example)
        }
        for example in others where chosen.count < most {
            if try catalog().session(example.session)?.pack != nil { chosen.append(example) }
        }
        guard !chosen.isEmpty else {
            throw StoreError(
                .noSessions,
                best.isEmpty
                    ? "no crash has this signature" : "the sessions with this signature have no files in the store",
                hint: best.isEmpty ? "salvage crashes top lists the signatures" : "salvage why SESSION says why",
                kind: .notFound)
        }
        return chosen.map(\.session)
    }
}
