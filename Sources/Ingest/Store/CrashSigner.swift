public import Catalog
public import CrashAnalysis
import FoundationEssentials
import Glibc
public import Model
public import Pack
public import PackHome

/// Renews crash records with what packs do not contain: the symbols in the store and the user's signature rules.
///
/// The confined child of an ingest has neither, so a record in a pack does not depend on the state of the store. The
/// catalog's record is a function of the pack's record, its dump, the current symbols and the current rules: a harvest,
/// `symbols add` and `reindex` all use this type and get the same result.
public struct CrashSigner: Sendable {
    private let home: any PackHome
    private let symbols: SymbolStore
    /// Has the symbols of which `symbols` has copies; nil if `symbols` has them all.
    private let origin: (any SymbolOrigin)?
    private let rules: SignatureRules
    private let allowMissing: [String]
    /// Build ids, debug ids and digests of first pages that the symbol store holds, as far as it can be listed now.
    private let identities: Set<String>
    /// Whether the whole symbol store was listed.
    private let knowsAll: Bool

    /// Makes a signer for a store.
    ///
    /// - Parameters:
    ///   - store: the store's folder.
    ///   - home: where its packs are.
    ///   - rules: the user's signature rules.
    ///   - allowMissing: names of the barriers that may be missing around the process that reads dumps.
    ///   - origin: has the symbols of a shared store; nil for an embedded one.
    public init(
        store: String, home: any PackHome, rules: SignatureRules, allowMissing: [String],
        origin: (any SymbolOrigin)? = nil
    ) {
        self.allowMissing = allowMissing
        self.origin = origin
        self.home = home
        self.rules = rules
        symbols = Self.symbols(of: store)
        // The symbols of a shared store are looked up for each session with crashes.
        let survey = origin == nil ? symbols.survey() : SymbolStore.Survey()
        identities = Set(survey.entries.map(\.identity))
        // Without the whole list, every record may need symbols, and each file that cannot be read is noted.
        knowsAll = survey.unread.isEmpty
    }

    /// Returns the symbol store of a store.
    public static func symbols(of store: String) -> SymbolStore { SymbolStore(root: store + "/symbols") }

    /// Reads what the catalog records of a published pack, and renews its crash records.
    ///
    /// - Parameters:
    ///   - reader: the pack, open.
    ///   - path: its path, relative to the store.
    public func contents(of reader: PackReader, path: String) throws(PackError) -> PackContents {
        var contents = try PackContents(reader, path: path)
        renew(&contents)
        return contents
    }

    /// Renews the records that symbols or rules change. A record whose symbols cannot be read or applied now says so in
    /// a note (`CrashRecord.awaitsSymbols`); one whose dump or symbols end their reader has a note, too.
    public func renew(_ contents: inout PackContents) {
        guard !contents.crashes.isEmpty else { return }
        let (identities, knowsAll) = identities(in: contents.crashes)
        var records: [Int: CrashRecord] = [:]
        var symbolised: [Int] = []
        for (ordinal, json) in contents.crashes.enumerated() {
            let concerned = Self.mentions(json, any: identities) || !knowsAll && Self.namesModules(json)
            guard concerned || !rules.isEmpty || !Self.isCurrent(json), let record = Self.decode(json) else { continue }
            records[ordinal] = record
            if concerned { symbolised.append(ordinal) }
        }
        if !symbolised.isEmpty { symbolise(symbolised, &records, pack: contents.path) }
        for (ordinal, record) in records {
            var record = record
            SignatureAlgorithm.sign(&record, rules: rules)
            let json = record.json()
            if json != contents.crashes[ordinal] { contents.renewed[ordinal] = json }
        }
    }

    /// The identities of symbols that are stored, at least of those that the records name, and whether they are all known.
    private func identities(in crashes: [[UInt8]]) -> (identities: Set<String>, areAll: Bool) {
        guard let origin else { return (identities, knowsAll) }
        var named: Set<String> = []
        for json in crashes {
            Self.forEachIdentity(in: json) { identity in
                named.insert(identity)
                return true
            }
        }
        // Fetching them fails, too, and says why.
        guard let present = try? origin.present(among: named) else { return ([], false) }
        return (present, true)
    }

    private func symbolise(_ ordinals: [Int], _ records: inout [Int: CrashRecord], pack: String) {
        let fetched = origin?.fetch(for: ordinals.compactMap { records[$0] })
        // They stay until the child has read them.
        defer { withExtendedLifetime(fetched) {} }
        applySymbols(to: ordinals, &records, pack: pack)
        guard let fetched else { return }
        for ordinal in ordinals {
            guard var record = records[ordinal] else { continue }
            fetched.note(on: &record)
            records[ordinal] = record
        }
    }

    private func applySymbols(to ordinals: [Int], _ records: inout [Int: CrashRecord], pack: String) {
        do {
            let copy = try home.localCopy(of: pack)
            // The child reads it by its descriptor.
            defer { withExtendedLifetime(copy) {} }
            let files = ordinals.map { ordinal in records[ordinal].map { symbols.files(for: $0) } ?? [] }
            for batch in AnalysisProcess.batches(files) {
                symbolise(ordinals[batch.records], &records, files: batch.files, pack: copy.descriptor)
            }
        } catch {
            Self.note(error, on: ordinals[...], &records)
        }
    }

    /// Renews the records of one batch. That it fails says nothing about the others.
    private func symbolise(
        _ ordinals: ArraySlice<Int>, _ records: inout [Int: CrashRecord], files: [String], pack: Int32
    ) {
        do {
            let made = try AnalysisProcess(allowMissing: allowMissing).renew(
                ordinals.compactMap { records[$0] }, files: files, pack: pack, symbols: symbols)
            for (ordinal, record) in zip(ordinals, made) { if let record { records[ordinal] = record } }
        } catch {
            Self.note(error, on: ordinals, &records)
        }
    }

    private static func note(_ error: any Error, on ordinals: ArraySlice<Int>, _ records: inout [Int: CrashRecord]) {
        let words = (error as? IngestError)?.message ?? (error as? PackError)?.message ?? "\(error)"
        // The same dump and symbols would end the next reader, too.
        let lasts = (error as? IngestError)?.suspectsInput ?? false
        for ordinal in ordinals {
            if lasts {
                records[ordinal]?.noteSymbolsNotApplied(words)
            } else {
                records[ordinal]?.noteSymbolsUnread(words)
            }
        }
    }

    // MARK: Records as bytes

    /// Returns the record in its JSON; nil when it cannot be decoded.
    public static func decode(_ json: [UInt8]) -> CrashRecord? {
        try? JSONDecoder().decode(CrashRecord.self, from: Data(json))
    }

    /// How the fields of a module that identify it end: `build_id`, `debug_id` and `first_page`.
    private static let identifying = ["_id\":\"", "_page\":\""]

    /// Whether the record names one of these build ids, debug ids or digests of first pages. Searches the bytes without
    /// decoding them: records are long, and most concern no symbol in the store.
    public static func mentions(_ json: [UInt8], any identities: Set<String>) -> Bool {
        guard !identities.isEmpty else { return false }
        var found = false
        forEachIdentity(in: json) { identity in
            found = identities.contains(identity)
            return !found
        }
        return found
    }

    /// Calls `body` with each build id, debug id and digest of a first page in a record until it returns false.
    private static func forEachIdentity(in json: [UInt8], _ body: (String) -> Bool) {
        json.withUnsafeBytes { bytes in
            for field in identifying {
                var at = 0
                while let start = find(field, in: bytes, from: at) {
                    let end = bytes[start...].firstIndex(of: UInt8(ascii: "\"")) ?? bytes.count
                    if end - start <= 128, !body(String(decoding: bytes[start..<end], as: UTF8.self)) { return }
                    at = end
                }
            }
        }
    }

    /// Whether the record names any module by such a field.
    private static func namesModules(_ json: [UInt8]) -> Bool {
        json.withUnsafeBytes { bytes in identifying.contains { find($0, in: bytes, from: 0) != nil } }
    }

    /// Whether this version of the algorithm signed the record.
    private static func isCurrent(_ json: [UInt8]) -> Bool {
        json.withUnsafeBytes { find("_version\":\(SignatureAlgorithm.version),", in: $0, from: 0) != nil }
    }

    /// The end of the text's first occurrence at or after a position. The text must begin with an underscore.
    private static func find(_ text: String, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        let wanted = Array(text.utf8)
        guard let base = bytes.baseAddress else { return nil }
        var at = start
        while at < bytes.count, let found = memchr(base + at, Int32(UInt8(ascii: "_")), bytes.count - at) {
            at = base.distance(to: UnsafeRawPointer(found))
            guard bytes.count - at >= wanted.count else { return nil }
            if memcmp(base + at, wanted, wanted.count) == 0 { return at + wanted.count }
            at += 1
        }
        return nil
    }
}
