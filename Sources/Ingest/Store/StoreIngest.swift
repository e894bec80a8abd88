import BlockIndex
import CFiles
public import Catalog
public import CrashAnalysis
import Files
import Glibc
public import Model
public import Pack
public import PackHome
import Text

/// A download that was proven to crash or stall its reader.
public struct QuarantinedFile: Sendable, Equatable {
    /// Its path, relative to the store.
    public var place: String
    /// The index of its artifact.
    public var artifact: Int
    /// How its reader ended, as text.
    public var reason: String

    /// Records in the artifact's row that nothing of this download is in the pack, and where its bytes are.
    func mark(_ row: inout ArtifactEntry) {
        row.state = .failed
        row.reason = "\(reason); the raw bytes are in \(place)"
    }
}

/// A session's downloads as a published pack.
public struct PackedSession: Sendable {
    /// What the catalog records of the pack, with crash records renewed by the store's symbols and the signature rules.
    public var contents: PackContents
    /// The published pack, open.
    public var reader: PackReader
    /// The session's lock, if kept. While it is held, no other process takes the pack for an orphan.
    public internal(set) var lock: SessionLock?
    /// The damage in earlier packs of the session, and where packs were set aside that could not be carried over
    /// completely; one sentence each.
    public var earlierDamage: [String]
    /// The downloads proven to crash or stall their reader; their raw bytes are in quarantine.
    public var quarantined: [QuarantinedFile]
    /// The artifacts of which nothing is in the pack yet because of a local failure, by index, with the reason. Their
    /// downloads are unchanged and must be tried again.
    public var waiting: [Int: String]
    /// The child's peak memory in bytes, if measured.
    public var peakBytes: UInt64?
    /// The verdict on each download, in the order given, without quarantined ones.
    public var verdicts: [ArtifactVerdict]
    /// The session's packs whose content is in this one, or that were copied aside, relative to the store. They were not
    /// removed, because the home never reuses a path and others may read them: the commit makes them garbage. Empty in
    /// a folder, where this pack has replaced them.
    public var superseded: [String] = []

    /// The pack's path, relative to the store. It is published, but not yet in the catalog.
    public var pack: String { contents.path }
    /// The ledger rows in the pack.
    public var artifacts: [ArtifactEntry] { contents.artifacts }
    /// The number of crashes in the whole pack.
    public var crashes: Int { contents.crashes.count }
    /// The number of members in the pack.
    public var members: Int { contents.members.count }
}

/// Which pack the session has already, and under which claim the next one is made.
struct EarlierClaim {
    /// The session's pack according to the catalog, relative to the store.
    var pack: String?
    /// The number of the claim.
    let epoch: UInt64
}

/// Turns a session's downloads into a published pack: written by the confined child, synced and renamed, with its
/// folder synced. Afterwards the caller commits it to the catalog, then drops the spool, in this order.
public struct StoreIngest: Sendable {
    let store: String
    private let home: any PackHome
    private let process: IngestProcess
    let limits: IngestLimits
    private let workers: Int
    private let redactions: [RedactionRule]
    private let signatures: SignatureRules
    private let symbols: (any SymbolOrigin)?

    /// Makes an ingest into the store at `store`.
    ///
    /// - Parameters:
    ///   - store: the store's folder.
    ///   - home: where its packs are.
    ///   - process: starts the confined child.
    ///   - limits: what one archive may make the child do.
    ///   - workers: the number of compressing threads; 0 is one per core.
    ///   - redactions: the rules for text; without any, text is stored unchanged.
    ///   - signatures: the user's signature rules, applied to the catalog's crash records.
    ///   - symbols: has the symbols of a shared store; nil for an embedded one.
    public init(
        store: String, home: any PackHome, process: IngestProcess = IngestProcess(),
        limits: IngestLimits = IngestLimits(),
        workers: Int = 0, redactions: [RedactionRule] = [], signatures: SignatureRules = SignatureRules(),
        symbols: (any SymbolOrigin)? = nil
    ) {
        self.symbols = symbols
        self.redactions = redactions
        self.signatures = signatures
        self.store = store
        self.home = home
        self.process = process
        self.limits = limits
        self.workers = workers
    }

    /// The maximum size of a record of filters, in bytes: the filters, their checksums, and the table of a large pack.
    private static let largestRecord = 2 * PackFormat.mostFiltersAside + 64 << 20

    /// The folder in which packs are written before they are renamed.
    static let newPacks = "spool/.new"

    /// Removes unfinished packs of processes that no longer run, also on other disks. Leaves those of a running
    /// `ingest` alone.
    public static func sweep(store: String, home: any PackHome) {
        // What cannot be listed or removed now does no harm and is left to the next run.
        guard let spool = try? OpenFolder(path: store + "/spool"), let folder = try? spool.folder(".new"),
            let entries = try? folder.entries()
        else { return }
        home.removeUnfinished(writtenIn: folder)
        for entry in entries where entry.kind == .file {
            guard let owner = entry.name.split(separator: ".").last.flatMap({ pid_t($0) }), owner > 0 else { continue }
            if owner == getpid() || (kill(owner, 0) != 0 && errno == ESRCH) { _ = try? folder.remove(entry) }
        }
    }

    /// Packs the downloads of one session. The files stay where they are.
    ///
    /// Blocks; call it on a thread of its own. If the session already has a pack, the new one contains all of the old
    /// one and replaces it; in a home that never reuses a path, the old one stays and is named in
    /// ``PackedSession/superseded``. A download that is proven to crash or stall its reader is moved to quarantine, and its row
    /// says so. A download that cannot be read because of a local failure waits, and the others are packed.
    ///
    /// - Parameters:
    ///   - session: the session's metadata.
    ///   - artifacts: the ledger rows for the pack.
    ///   - files: the downloads.
    ///   - earlier: the session's current pack according to the catalog, relative to the store.
    ///   - epoch: the number of the claim on the session under which this is done, for homes that never reuse a path.
    ///   - keepsLock: whether to return with the session locked; the caller releases it after the catalog's commit.
    /// - Throws: ``IngestError`` when no pack can be written (disk full, child cannot start), `PackError` when it
    ///   cannot be published. The spool is then unchanged, and the same call may succeed later.
    public func pack(
        session: SessionMetadata, artifacts: [ArtifactEntry], files: [IngestFile], earlier: String?,
        epoch: UInt64 = 0, keepsLock: Bool = false
    ) throws -> PackedSession {
        let lock = try SessionLock.wait(session.session, store: store)
        var packed = try pack(session, artifacts, files, EarlierClaim(pack: earlier, epoch: epoch))
        // Symbols may have been added since the last session was packed.
        signer.renew(&packed.contents)
        if keepsLock { packed.lock = lock } else { lock.release() }
        return packed
    }

    /// Renews crash records by the store's symbols as they are now.
    private var signer: CrashSigner {
        CrashSigner(
            store: store, home: home, rules: signatures, allowMissing: limits.allowMissing, origin: symbols)
    }

    private func pack(
        _ session: SessionMetadata, _ artifacts: [ArtifactEntry], _ files: [IngestFile], _ earlier: EarlierClaim
    ) throws -> PackedSession {
        do {
            return try publish(session, artifacts, files, Triage(), earlier)
        } catch let error as IngestError where error.mayConcernOneFile {
            let triage = try triage(session, artifacts, files)
            // Everything waits, so there is nothing to pack: the caller tries again.
            if triage.good.isEmpty, triage.quarantined.isEmpty { throw triage.firstReason ?? error }
            var rows = artifacts
            for file in triage.quarantined where rows.indices.contains(file.artifact) {
                file.mark(&rows[file.artifact])
            }
            let packed = try publishGood(session, rows, triage, earlier)
            // After publishing the pack, which records the place; earlier, the ledger would not know where they went.
            for culprit in triage.culprits { try quarantine(culprit.file, at: culprit.place) }
            return packed
        }
    }

    func publish(
        _ session: SessionMetadata, _ rows: [ArtifactEntry], _ files: [IngestFile], _ triage: Triage,
        _ earlier: EarlierClaim
    ) throws -> PackedSession {
        let packs = try EarlierPacks(of: session, in: home, known: earlier.pack, epoch: earlier.epoch)
        let relative = packs.target
        try home.prepare(relative)
        let temporary = store + "/\(Self.newPacks)/\(PackPath.escaped(session.session)).\(getpid())"
        try Self.makeFolders(of: temporary, below: store)
        unlink(temporary)
        do {
            let (answer, record) = try fill(temporary, session, rows, files, previous: packs, path: relative)
            let reader = try Self.checked(temporary, session, answer)
            let contents = try PackContents(reader, path: relative)
            let damage = try Self.makeWay(for: reader, contents, rows, packs, answer, session.session)
            // Before the pack: a crash in between leaves a record without a pack, not a pack without filters. Without a
            // record, every search opens the pack; the results are the same. Searches of a bucket ask the filters there.
            if home.reusesPaths {
                try? FilterLog.append(store: store, pack: relative, packBytes: answer.packBytes, record: record)
            }
            try home.publish(temporary, as: relative)
            for (pack, found) in zip(packs.readable, answer.earlier) where !found.isCut {
                // If this fails, a second pack remains, which verify reports and the next ingest merges.
                guard (try? packs.removeMerged(pack)) == true else { continue }
                // While a record has no pack, every search looks up the records of all packs one by one.
                try? FilterLog.remove(store: store, pack: pack.path)
            }
            return PackedSession(
                contents: contents, reader: reader, earlierDamage: damage, quarantined: triage.quarantined,
                waiting: triage.waiting.mapValues(\.message), peakBytes: answer.peakBytes, verdicts: answer.verdicts,
                superseded: packs.superseded)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Opens the finished pack and checks that it matches the job: the child reads hostile bytes.
    private static func checked(
        _ temporary: String, _ session: SessionMetadata, _ answer: IngestAnswer
    ) throws -> PackReader {
        let reader = try PackReader.open(path: temporary)
        let named = try reader.session().session
        guard Array(named.utf8) == Array(session.session.utf8) else {
            throw IngestError(
                .foreignPack, "the confined process wrote a pack of session '\(named)'; it was discarded",
                path: temporary)
        }
        guard reader.fileSize == answer.packBytes, reader.members.count == answer.members else {
            throw IngestError(
                .foreignPack, "the confined process's answer does not match the pack that it wrote; it was discarded",
                path: temporary)
        }
        return reader
    }

    /// Checks that the pack's rows begin with those of the job: members and verdicts refer to them by index.
    private static func require(_ rows: [ArtifactEntry], in contents: PackContents) throws(IngestError) {
        guard contents.artifacts.count >= rows.count,
            zip(rows, contents.artifacts).allSatisfy({ $0.artifact.hasSameBytes(as: $1.artifact) })
        else {
            throw IngestError(
                .foreignPack,
                "the confined process wrote a pack with other artifacts than it was given; it was discarded")
        }
    }

    /// Sets earlier packs aside that are not completely in the new one; returns messages about them.
    private static func makeWay(
        for new: PackReader, _ contents: PackContents, _ rows: [ArtifactEntry], _ packs: EarlierPacks,
        _ answer: IngestAnswer, _ session: String
    ) throws -> [String] {
        guard answer.earlier.count == packs.readable.count else {
            throw IngestError(
                .protocolMismatch,
                "the confined process reported on \(counted(answer.earlier.count, "earlier pack")) of \(session), not "
                    + "\(packs.readable.count)")
        }
        try EarlierMembers.require(in: new, of: packs.readable, answer.earlier, session: session)
        try require(rows, in: contents)
        var words: [String] = []
        for (pack, damage) in zip(packs.readable, answer.earlier) where !damage.isSound {
            let place = damage.isCut ? try packs.setAside(pack) : nil
            words.append(
                "an earlier pack of session \(session) is damaged: \(damage.problems.joined(separator: "; "))"
                    + (place.map { "; what can be read was kept, the damaged file was set aside as \($0)" } ?? ""))
        }
        for pack in packs.found {
            guard let ruin = pack.ruin else { continue }
            let place = try packs.setAside(pack)
            words.append(
                "an earlier pack of session \(session) cannot be opened (\(ruin)); it was set aside as \(place)")
        }
        return words
    }

    func fill(
        _ temporary: String, _ session: SessionMetadata, _ rows: [ArtifactEntry], _ files: [IngestFile],
        previous packs: EarlierPacks?, path: String
    ) throws -> (answer: IngestAnswer, record: [UInt8]) {
        let pack = try PackFile.create(path: temporary)
        defer { close(pack) }
        var inputs: [Int32] = []
        defer { for descriptor in inputs { close(descriptor) } }
        for file in files {
            let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                // Without descriptors or memory, no file can be opened; this one is not to blame.
                let code: IngestError.Code = [EMFILE, ENFILE, ENOMEM].contains(errno) ? .spawn : .unreadable
                throw IngestError(code, "cannot read a download: \(reason())", path: file.path)
            }
            inputs.append(descriptor)
        }
        let scratch = try Self.scratchFile(beside: temporary, "scratch")
        defer { close(scratch) }
        let tables = try Self.scratchFile(beside: temporary, "tables")
        defer { close(tables) }
        let filters = try Self.scratchFile(beside: temporary, "filters")
        defer { close(filters) }
        let earlier = packs?.readable.map(\.file.descriptor) ?? []
        var job = IngestJob(
            session: session, artifacts: rows, inputs: files.map(\.input), hasPrevious: !earlier.isEmpty,
            limits: limits, workers: workers)
        job.furtherPrevious = max(0, earlier.count - 1)
        job.unreadablePrevious = packs?.found.count { $0.ruin != nil } ?? 0
        job.hasScratch = true
        job.hasTables = true
        job.redactions = redactions
        job.path = path
        let answer = try process.wait(
            job, inputs: inputs, previous: earlier.first, further: Array(earlier.dropFirst()), pack: pack,
            scratch: scratch, tables: tables, filters: filters)
        guard let record = try PackFile.content(of: filters, limit: Self.largestRecord) else {
            throw AnswerCheck.nonsense("more filters than a pack can have")
        }
        return (answer, record)
    }

    /// Opens a file without a name on the store's disk.
    private static func scratchFile(beside path: String, _ what: String) throws -> Int32 {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var descriptor = open(folder, O_RDWR | SALVAGE_O_TMPFILE | O_CLOEXEC, 0o600)
        if descriptor < 0 {
            // Not every file system supports O_TMPFILE.
            let name = path + ".\(what).\(getpid())"
            descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if descriptor >= 0 { unlink(name) }
        }
        guard descriptor >= 0 else {
            throw IngestError(errno == ENOSPC ? .noSpace : .packFailed, "cannot create a scratch file: \(reason())")
        }
        return descriptor
    }

    /// Creates the parent folders of a file with mode 0700, and syncs each new one into its parent.
    static func makeFolders(of file: String, below store: String) throws {
        do throws(FileFailure) {
            try Folders.make(Folders.split(file).folder, below: store) { (made) throws(FileFailure) in
                try Folders.sync(Folders.split(made).folder)
            }
        } catch {
            throw IngestError(
                error.isFull ? .noSpace : .packFailed, "cannot create a folder: \(error.reason)", path: error.path)
        }
    }
}
