import Model
internal import Pack
import Text

/// The statements that index packs within one transaction, prepared once.
final class PackRows {
    private let connection: any SQLConnection
    private let ledger: PackLedger
    private var names: Interning
    private var signatures: Interning
    private var wanted: Interning
    private let facts: any SQLStatement
    private let setPack: any SQLStatement
    /// Nil where members are only in their packs.
    private let putMember: (any SQLStatement)?
    private let putCrash: any SQLStatement
    private let putAlias: any SQLStatement
    private let earlierSignatures: any SQLStatement

    private static let putMember = """
        INSERT INTO members(session, ordinal, artifact, path, kind, mode, mtime, size, stored, sha256, link_target,
            flags) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        """

    static let putAlias = "INSERT INTO aliases(crash, signature) VALUES(?1, ?2) ON CONFLICT DO NOTHING"

    /// Prepares the statements.
    ///
    /// - Parameter known: the ids of the packs' texts, as far as they were interned before the transaction.
    init(_ connection: any SQLConnection, _ known: InternedTexts = InternedTexts()) throws(CatalogError) {
        self.connection = connection
        ledger = try PackLedger(connection, LedgerWriter(connection))
        names = try Interning(.names, known, on: connection)
        signatures = try Interning(.signatures, known, on: connection)
        wanted = try Interning(.wanted, known, on: connection)
        facts = try connection.prepare("SELECT image, tag, location, at FROM sessions WHERE key = ?1")
        setPack = try connection.prepare(
            """
            UPDATE sessions SET pack = ?2, pack_bytes = ?3, members = ?4, bytes = ?5, crashes = ?6 WHERE key = ?1
            """)
        putMember = connection.storesMembers ? try connection.prepare(Self.putMember) : nil
        putCrash = try connection.prepare(
            """
            INSERT INTO crashes(session, ordinal, id, kind, signal, exception, thread, at, time, signature, quality,
                stack_hash, image, tag, location, json, survived, wanted)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
            """)
        putAlias = try connection.prepare(Self.putAlias)
        earlierSignatures = try connection.prepare("SELECT id, signature FROM crashes WHERE session = ?1")
    }

    func put(_ pack: IndexedPack, from source: PackSource) throws(CatalogError) {
        let contents = pack.contents
        let key = try ledger.put(contents, from: source) { (key) throws(CatalogError) in
            try earlierSignatures.bind(1, key).start()
        }
        var before: ByteDictionary<Int64> = [:]
        while try earlierSignatures.step() { before[earlierSignatures.text(0)] = earlierSignatures.integer(1) }
        try connection.execute("\(connection.deleteMembers(of: key)) DELETE FROM crashes WHERE session = \(key)")
        let bytes = try putMembers(contents, session: key)
        let crashes = try putCrashes(pack, session: key, before: before)
        setPack.bind(1, key).bind(2, contents.path).bind(3, contents.packBytes).bind(4, contents.members.count)
        try setPack.bind(5, bytes).bind(6, crashes).run()
    }

    private func putMembers(_ contents: PackContents, session key: Int64) throws(CatalogError) -> UInt64 {
        let bytes = contents.members.reduce(UInt64(0)) { sum, member in
            let (sum, overflow) = sum.addingReportingOverflow(member.size)
            return overflow ? .max : sum
        }
        guard let putMember else { return bytes }
        var artifacts: [Int64] = []
        for entry in contents.artifacts { artifacts.append(try names.id(of: entry.artifact)) }
        putMember.bind(1, key)
        for (ordinal, member) in contents.members.enumerated() {
            let artifact = Int(clamping: member.artifact)
            putMember.bind(2, ordinal).bind(3, artifacts.indices.contains(artifact) ? artifacts[artifact] : 0)
            putMember.bind(4, blob: member.path).bind(5, Int64(member.kind.rawValue)).bind(6, Int64(member.mode))
            putMember.bind(7, member.mtime).bind(8, member.size).bind(9, member.stored)
            putMember.bind(10, blob: member.sha256).bind(11, blob: member.linkTarget)
            try putMember.bind(12, Int64(member.flags.rawValue)).run()
        }
        return bytes
    }

    /// Returns the number of crashes, without errors that the process survived.
    private func putCrashes(
        _ pack: IndexedPack, session key: Int64, before: ByteDictionary<Int64>
    ) throws(CatalogError) -> Int {
        guard !pack.crashes.isEmpty else { return 0 }
        facts.bind(1, key)
        guard try facts.step() else { return 0 }
        let (image, tag, location) = (facts.text(0), facts.textOrNil(1), facts.textOrNil(2))
        let ended = facts.integer(3)
        facts.reset()
        // Who asks for new crashes goes by their keys.
        try connection.orderCommits()
        putCrash.bind(1, key).bind(13, try names.id(of: image))
        putCrash.bind(14, try names.id(of: tag)).bind(15, try names.id(of: location))
        var count = 0
        for (ordinal, record) in pack.crashes.enumerated() {
            let crash = record.columns
            let id = crash.id ?? "\(pack.contents.facts.session)#\(ordinal)"
            let signature = try signatures.id(of: record.signature)
            putCrash.bind(2, ordinal).bind(3, id)
            putCrash.bind(4, crash.kind ?? "unknown").bind(5, crash.signal).bind(6, crash.exception)
            putCrash.bind(7, crash.thread).bind(8, crash.time ?? ended).bind(9, crash.time)
            putCrash.bind(10, signature).bind(11, crash.quality).bind(12, crash.stackHash)
            putCrash.bind(16, blob: record.json).bind(17, CrashRecord.isCrash(kind: crash.kind) ? 0 : 1)
            try putCrash.bind(18, try wanted.id(of: record.wanted)).run()
            if CrashRecord.isCrash(kind: crash.kind) { count += 1 }
            if let packed = record.packedSignature { try alias(id, try signatures.id(of: packed), of: signature) }
            if let earlier = before[id] { try alias(id, earlier, of: signature) }
        }
        return count
    }

    /// Keeps an earlier signature of a crash as an alias, unless it is unchanged.
    private func alias(_ crash: String, _ earlier: Int64, of signature: Int64) throws(CatalogError) {
        guard earlier != signature else { return }
        try putAlias.bind(1, crash).bind(2, earlier).run()
    }

    /// Replaces the records of existing crashes; returns how many signatures changed.
    ///
    /// - Parameter crashes: the updates' records, in the same order.
    func replace(_ updates: [CrashUpdate], _ crashes: [IndexedCrash]) throws(CatalogError) -> Int {
        let find = try connection.prepare(
            """
            SELECT c.key, c.signature FROM crashes c JOIN sessions s ON s.key = c.session WHERE s.id = ?1 AND c.id = ?2
            """)
        let set = try connection.prepare(
            """
            UPDATE crashes SET signal = ?2, exception = ?3, thread = ?4, signature = ?5, quality = ?6, stack_hash = ?7,
                json = ?8, wanted = ?9 WHERE key = ?1
            """)
        var changed = 0
        for (update, record) in zip(updates, crashes) {
            find.bind(1, update.session).bind(2, update.crash)
            guard try find.step() else { continue }
            let (key, earlier) = (find.integer(0), find.integer(1))
            find.reset()
            let crash = record.columns
            let signature = try signatures.id(of: record.signature)
            set.bind(1, key).bind(2, crash.signal).bind(3, crash.exception).bind(4, crash.thread).bind(5, signature)
            set.bind(6, crash.quality).bind(7, crash.stackHash).bind(8, blob: record.json)
            try set.bind(9, try wanted.id(of: record.wanted)).run()
            try alias(update.crash, earlier, of: signature)
            if earlier != signature { changed += 1 }
        }
        return changed
    }
}

extension PackRows {
    /// Fills in the missing modules of crashes from an older layout.
    func fillWanted() throws(CatalogError) {
        let set = try connection.prepare("UPDATE crashes SET wanted = ?2 WHERE key = ?1")
        var last = Int64.min
        while true {
            // In batches, so that no rows change under an open query and not all records are in memory.
            let rows = try connection.prepare("SELECT key, json FROM crashes WHERE key > ?1 ORDER BY key LIMIT 500")
            rows.bind(1, last)
            var found: [(key: Int64, text: String?)] = []
            while try rows.step() { found.append((rows.integer(0), WantedSet.text(rows.blob(1)))) }
            guard let end = found.last else { return }
            for (key, text) in found where text != nil { try set.bind(1, key).bind(2, try wanted.id(of: text)).run() }
            last = end.key
        }
    }
}
