import Catalog
import CrashAnalysis
import FoundationEssentials
import Glibc
import Harvest
import Ingest
import Pack

/// Makes crash records anew from what packs do not know: the symbols in the store and the user's signature rules.
///
/// The confined child of an ingest has neither, so every record in a pack is the same whatever the store held that day.
/// What is listed is a function of that record, its dump, the symbols and the rules of today: a harvest, `symbols add`
/// and `reindex` all come here and so to the same answer.
struct CrashSigner {
    let store: String
    let symbols: SymbolStore
    let rules: SignatureRules
    private let allowMissing: [String]
    /// Build ids and debug ids that the symbol store holds.
    private let identities: Set<String>

    /// Signs for the store of a command, by the rules of its configuration.
    init(_ options: GlobalOptions, store: String) throws {
        let configuration = try StoreAccess.configuration(options)
        self.init(
            store: store, rules: configuration.signatures, allowMissing: configuration.confinement.allowMissing)
    }

    /// - Parameter allowMissing: barriers that may be missing around the reader of dumps.
    init(store: String, rules: SignatureRules, allowMissing: [String]) {
        self.allowMissing = allowMissing
        self.store = store
        self.rules = rules
        symbols = Self.symbols(of: store)
        identities = Set(symbols.list().map(\.identity))
    }

    /// The symbol store of a store.
    static func symbols(of store: String) -> SymbolStore { SymbolStore(root: store + "/symbols") }

    /// Makes the records anew that symbols or rules change.
    func renew(_ contents: inout PackContents) {
        guard !contents.crashes.isEmpty else { return }
        var records: [Int: CrashRecord] = [:]
        var symbolised: [Int] = []
        for (ordinal, json) in contents.crashes.enumerated() {
            let concerned = Self.mentions(json, any: identities)
            guard concerned || !rules.isEmpty || !Self.isCurrent(json), let record = Self.decode(json) else { continue }
            records[ordinal] = record
            if concerned { symbolised.append(ordinal) }
        }
        if !symbolised.isEmpty { symbolise(symbolised, &records, pack: store + "/" + contents.path) }
        for (ordinal, record) in records {
            var record = record
            SignatureAlgorithm.sign(&record, rules: rules)
            let json = record.json()
            if json != contents.crashes[ordinal] { contents.renewed[ordinal] = json }
        }
    }

    private func symbolise(_ ordinals: [Int], _ records: inout [Int: CrashRecord], pack: String) {
        let descriptor = open(pack, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        do {
            guard descriptor >= 0 else {
                throw Failure("unreadable", "the pack cannot be opened: \(String(cString: strerror(errno)))")
            }
            let made = try AnalysisProcess(allowMissing: allowMissing).renew(
                ordinals.compactMap { records[$0] }, pack: descriptor, symbols: symbols)
            for (ordinal, record) in zip(ordinals, made) { if let record { records[ordinal] = record } }
        } catch {
            let words = FailureReport.failure(for: error)?.message ?? "\(error)"
            for ordinal in ordinals { records[ordinal]?.notes.append("the symbols were not applied: \(words)") }
        }
    }

    // MARK: Records as bytes

    static func decode(_ json: [UInt8]) -> CrashRecord? {
        try? JSONDecoder().decode(CrashRecord.self, from: Data(json))
    }

    /// True when the record names one of these build ids or debug ids. Looks at bytes: a record is long, and most
    /// concern no symbol at hand.
    static func mentions(_ json: [UInt8], any identities: Set<String>) -> Bool {
        guard !identities.isEmpty else { return false }
        return json.withUnsafeBytes { bytes in
            var at = 0
            while let start = find("_id\":\"", in: bytes, from: at) {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "\"")) ?? bytes.count
                if end - start <= 128, identities.contains(String(decoding: bytes[start..<end], as: UTF8.self)) {
                    return true
                }
                at = end
            }
            return false
        }
    }

    /// True when this version of the algorithm signed the record.
    private static func isCurrent(_ json: [UInt8]) -> Bool {
        json.withUnsafeBytes { find("_version\":\(SignatureAlgorithm.version),", in: $0, from: 0) != nil }
    }

    /// Where the text ends for the first time behind a position; it begins with an underscore.
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
