import Catalog
import CrashExport
import Model
import Pack
import SalvageConfiguration
import Text

/// Reads, for the export, what a store has of a crash. Uses a connection of its own to the catalog.
struct SentryCrashes: ExportSource {
    /// Ends the reading of a member.
    private struct Enough: Error {}

    private let store: Store
    private let current: CurrentConfiguration
    /// The first bytes of a minidump (https://learn.microsoft.com/windows/win32/api/minidumpapiset/ns-minidumpapiset-minidump_header).
    private static let magic = Array("MDMP".utf8)
    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

    init(_ store: Store, _ current: CurrentConfiguration) {
        self.store = store
        self.current = current
    }

    func content(ofCrash crash: String, session: String, withMinidump: Bool) -> ExportContent {
        do {
            guard let record = try store.catalog().session(session) else {
                return .gone(reason: "its session is not in the store any longer")
            }
            guard let row = try Self.row(crash, session, store) else {
                return .gone(reason: "a later pack of its session does not have this crash")
            }
            let stored = StoredCrash(row)
            var exported = ExportedCrash(
                record: stored.current ?? Self.plain(row), session: session,
                signature: try store.standings().target(of: row.signature))
            exported.host = record.identity.host
            exported.link = current.value.notify.page.map { "\($0)/crashes/\(EventMaking.escaped(crash))" }
            if withMinidump {
                switch minidump(of: exported.record, in: record) {
                case .success(let minidump): exported.minidump = minidump
                case .failure(let problem) where problem.kind == .tryAgain:
                    return .unreadable(reason: "its minidump cannot be read: \(problem.message)")
                case .failure(let problem): exported.note = "sent without its minidump: \(problem.message)"
                }
            }
            return .crash(exported)
        } catch {
            return .unreadable(reason: StoreError(error).message)
        }
    }

    /// A session's crash; nil if it has no such crash.
    private static func row(_ crash: String, _ session: String, _ store: Store) throws -> CrashRow? {
        do throws(CatalogError) {
            return try store.catalog().crashes(named: session).first {
                $0.crash.hasSameBytes(as: crash) && $0.session.hasSameBytes(as: session)
            }
        } catch {
            if error.code == .unknownSession { return nil }
            throw error
        }
    }

    /// What the catalog's columns say, for a record that a later version wrote.
    private static func plain(_ row: CrashRow) -> CrashRecord {
        var record = CrashRecord(kind: row.kind)
        record.crash = row.crash
        record.session = row.session
        record.image = row.image
        record.tag = row.tag
        record.location = row.location
        record.signal = row.signal
        record.exception = row.exception
        record.signature = row.signature
        record.stackHash = row.stackHash
        return record
    }

    /// Whether a record says that its crash was read from a minidump, alone or in an upload of the Unreal Engine.
    static func mayHaveMinidump(_ record: CrashRecord) -> Bool {
        record.detector == "minidump" || record.detector == "unreal"
    }

    /// The minidump of a crash; nil if none of its members is one.
    private func minidump(of record: CrashRecord, in session: SessionRecord) -> Result<Minidump?, StoreError> {
        guard Self.mayHaveMinidump(record) else { return .success(nil) }
        do {
            let pack = try SessionPack(session, in: store)
            for name in [record.member].compactMap(\.self) + record.alsoIn {
                let place = CrashPlace(crash: record.crash, time: nil, member: name, offset: nil)
                guard let index = pack.member(of: place)?.index, try Self.isMinidump(index, pack.reader) else {
                    continue
                }
                return .success(Self.minidump(index, pack.reader))
            }
            return .success(nil)
        } catch {
            return .failure(StoreError(error))
        }
    }

    private static func isMinidump(_ index: Int, _ reader: PackReader) throws -> Bool {
        guard reader.members[index].size >= UInt64(magic.count) else { return false }
        var first: [UInt8] = []
        do {
            try reader.streamExtents(member: index, using: BlockDecoder()) { extent in
                if case .bytes(let bytes, _) = extent { first += bytes.prefix(magic.count - first.count) }
                // A hole holds zeros, which are no beginning of a minidump.
                if case .hole = extent { throw Enough() }
                if first.count == magic.count { throw Enough() }
            }
        } catch is Enough {}
        return first == magic
    }

    private static func minidump(_ index: Int, _ reader: PackReader) -> Minidump {
        let member = reader.members[index]
        let name = member.path.split(separator: UInt8(ascii: "/")).last.map { Escape.path($0) } ?? "minidump.dmp"
        return Minidump(name: name, size: member.size) { piece in
            try reader.streamExtents(member: index, using: BlockDecoder()) { extent in
                switch extent {
                case .bytes(let bytes, _): try piece(Array(bytes))
                case .hole(let hole):
                    var left = hole.length
                    while left > 0 {
                        let count = Int(min(left, UInt64(zeros.count)))
                        try piece(Array(zeros.prefix(count)))
                        left -= UInt64(count)
                    }
                }
            }
        }
    }
}
