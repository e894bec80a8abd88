internal import Pack

/// The statements that index packs within one transaction, prepared once.
final class PackRows {
    private let connection: Connection
    private let ledger: LedgerWriter
    private var names: Interning
    private var signatures: Interning
    private let facts: Statement
    private let states: Statement
    private let setPack: Statement
    private let putMember: Statement
    private let putCrash: Statement

    init(_ connection: Connection) throws(CatalogError) {
        self.connection = connection
        ledger = try LedgerWriter(connection)
        names = try Interning("names", on: connection)
        signatures = try Interning("signatures", on: connection)
        facts = try connection.prepare("SELECT image, tag, location, at FROM sessions WHERE key = ?1")
        states = try connection.prepare("SELECT state FROM artifacts WHERE session = ?1")
        setPack = try connection.prepare(
            """
            UPDATE sessions SET pack = ?2, pack_bytes = ?3, members = ?4, bytes = ?5, crashes = ?6,
                pruned = NULL, pruned_why = NULL
            WHERE key = ?1
            """)
        putMember = try connection.prepare(
            """
            INSERT INTO members(session, ordinal, artifact, path, kind, mode, mtime, size, stored, sha256, link_target,
                flags) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """)
        putCrash = try connection.prepare(
            """
            INSERT INTO crashes(session, ordinal, id, kind, signal, exception, thread, at, time, signature, quality,
                stack_hash, image, tag, location, json, survived)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
            """)
    }

    func put(_ contents: PackContents) throws(CatalogError) {
        let key = try ledger.key(of: contents.facts.session)
        for entry in contents.artifacts { try ledger.put(entry, nextTry: nil, session: key) }
        try ledger.apply(update(contents.facts, state: state(of: key, contents.facts)))
        try connection.execute(
            "DELETE FROM members WHERE session = \(key); DELETE FROM crashes WHERE session = \(key)")
        let bytes = try putMembers(contents, session: key)
        let crashes = try putCrashes(contents.crashes, session: key, id: contents.facts.session)
        setPack.bind(1, key).bind(2, contents.path).bind(3, contents.packBytes).bind(4, contents.members.count)
        try setPack.bind(5, bytes).bind(6, crashes).run()
    }

    private func state(of key: Int64, _ facts: SessionFacts) throws(CatalogError) -> SessionState {
        if let state = facts.state.flatMap(SessionState.init(rawValue:)) { return state }
        var all: [ArtifactState] = []
        states.bind(1, key)
        while try states.step() { all.append(ArtifactState(rawValue: states.text(0)) ?? .failed) }
        return .derived(from: all)
    }

    private func update(_ facts: SessionFacts, state: SessionState) -> SessionUpdate {
        var update = SessionUpdate(session: facts.session, state: state, reason: facts.reason)
        update.image = facts.image.isEmpty ? nil : facts.image
        update.tag = facts.tag
        update.location = facts.location
        update.host = facts.host
        update.labels = facts.labels
        update.created = facts.created
        update.exited = facts.exited
        update.seenExited = facts.firstSeenExited
        update.deadline = facts.deadline
        update.source = facts.source
        return update
    }

    private func putMembers(_ contents: PackContents, session key: Int64) throws(CatalogError) -> UInt64 {
        var artifacts: [Int64] = []
        for entry in contents.artifacts { artifacts.append(try names.id(of: entry.artifact)) }
        var bytes: UInt64 = 0
        putMember.bind(1, key)
        for (ordinal, member) in contents.members.enumerated() {
            let artifact = Int(clamping: member.artifact)
            putMember.bind(2, ordinal).bind(3, artifacts.indices.contains(artifact) ? artifacts[artifact] : 0)
            putMember.bind(4, blob: member.path).bind(5, Int64(member.kind.rawValue)).bind(6, Int64(member.mode))
            putMember.bind(7, member.mtime).bind(8, member.size).bind(9, member.stored)
            putMember.bind(10, blob: member.sha256).bind(11, blob: member.linkTarget)
            try putMember.bind(12, Int64(member.flags.rawValue)).run()
            let (sum, overflow) = bytes.addingReportingOverflow(member.size)
            bytes = overflow ? .max : sum
        }
        return bytes
    }

    /// Returns how many of them are crashes rather than errors that the process survived.
    private func putCrashes(_ crashes: [[UInt8]], session key: Int64, id: String) throws(CatalogError) -> Int {
        guard !crashes.isEmpty else { return 0 }
        facts.bind(1, key)
        guard try facts.step() else { return 0 }
        let (image, tag, location) = (facts.text(0), facts.textOrNil(1), facts.textOrNil(2))
        let ended = facts.integer(3)
        facts.reset()
        let imageID = try names.id(of: image)
        let tagID = try names.id(of: tag)
        let locationID = try names.id(of: location)
        var count = 0
        for (ordinal, json) in crashes.enumerated() {
            let crash = CrashFacts(json: json)
            putCrash.bind(1, key).bind(2, ordinal).bind(3, crash.id ?? "\(id)#\(ordinal)")
            putCrash.bind(4, crash.kind ?? "unknown").bind(5, crash.signal).bind(6, crash.exception)
            putCrash.bind(7, crash.thread).bind(8, crash.time ?? ended).bind(9, crash.time)
            putCrash.bind(10, try signatures.id(of: crash.signature ?? "unknown")).bind(11, crash.quality)
            putCrash.bind(12, crash.stackHash).bind(13, imageID).bind(14, tagID).bind(15, locationID)
            try putCrash.bind(16, blob: json).bind(17, crash.kind == "error" ? 1 : 0).run()
            if crash.kind != "error" { count += 1 }
        }
        return count
    }
}

/// Numbers for texts that repeat, kept in a table of `id` and `text`. 0 stands for no text.
private final class Interning {
    private let find: Statement
    private let insert: Statement
    private var known: [String: Int64] = [:]

    init(_ table: String, on connection: Connection) throws(CatalogError) {
        find = try connection.prepare("SELECT id FROM \(table) WHERE text = ?1")
        insert = try connection.prepare("INSERT INTO \(table)(text) VALUES(?1) RETURNING id")
    }

    func id(of text: String?) throws(CatalogError) -> Int64 {
        guard let text else { return 0 }
        if let id = known[text] { return id }
        for statement in [find, insert] {
            statement.bind(1, text)
            guard try statement.step() else { continue }
            let id = statement.integer(0)
            statement.reset()
            known[text] = id
            return id
        }
        return 0
    }
}
