import CShims
import Glibc
import LogSearch
public import Pack

/// One download that lies in the spool.
public struct IngestFile: Sendable, Equatable {
    /// Where it lies.
    public var path: String
    /// How it is to be read, and to which artifact it belongs.
    public var input: IngestJob.Input

    /// A download at a path.
    public init(path: String, input: IngestJob.Input) {
        self.path = path
        self.input = input
    }
}

/// A session's downloads as a published pack.
public struct PackedSession: Sendable {
    /// The pack, relative to the store: published, not yet in the catalog.
    public var pack: String
    /// The published pack, open: what is entered in the catalog comes from here.
    public var reader: PackReader
    /// The ledger rows as they stand in the pack now.
    public var artifacts: [ArtifactEntry]
    /// Crashes found in all members of the pack.
    public var crashes: Int
    /// Members of the pack.
    public var members: Int
    /// Downloads that killed the child; they lie in quarantine with their raw bytes.
    public var quarantined: [String]
    /// The most memory that the child held, in bytes, where it was measured.
    public var peakBytes: UInt64?
    /// What was found in each download, in the order in which they were given; quarantined ones are left out.
    public var verdicts: [ArtifactVerdict]
}

/// Takes a session's downloads from the spool to a published pack: written by the confined child, synced, renamed, its
/// folder synced. The caller commits it to the catalog and drops the spool afterwards, in this order.
public struct StoreIngest: Sendable {
    private let store: String
    private let process: IngestProcess
    private let limits: IngestLimits
    private let workers: Int
    private let redactions: [RedactionRule]

    /// An ingest into the store at `store`; `workers` 0 means one compressing thread a core.
    public init(
        store: String, process: IngestProcess = IngestProcess(), limits: IngestLimits = IngestLimits(),
        workers: Int = 0, redactions: [RedactionRule] = []
    ) {
        self.redactions = redactions
        self.store = store
        self.process = process
        self.limits = limits
        self.workers = workers
    }

    /// A record of filters is not larger: the filters that are kept aside, their checksums, and the table of a large pack.
    private static let largestRecord = 2 * PackFormat.mostFiltersAside + 64 << 20

    /// Where packs are written before they are renamed to their place.
    private static let newPacks = "spool/.new"

    /// Removes half-written packs of processes that are gone. A running `ingest` beside the daemon keeps its own.
    public static func sweep(store: String) {
        let folder = store + "/" + newPacks
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let owner = name.split(separator: ".").last.flatMap({ pid_t($0) }), owner > 0 else { continue }
            if owner == getpid() || (kill(owner, 0) != 0 && errno == ESRCH) { unlink(folder + "/" + name) }
        }
    }

    /// Packs the downloads of one session. The files stay where they are.
    ///
    /// Calls block; run it on a thread of its own. If the session has a pack already, the new one holds all of the old
    /// as well and takes its place. A download that kills the child costs itself only: it is moved to quarantine and
    /// its row says so.
    ///
    /// - Parameters:
    ///   - earlier: the session's present pack, relative to the store.
    /// - Throws: ``IngestError`` when no pack can be written (disk full, child cannot start), `PackError` when it cannot
    ///   be published. The spool is untouched then.
    public func pack(
        session: SessionFacts, artifacts: [ArtifactEntry], files: [IngestFile], earlier: String?
    ) throws -> PackedSession {
        let lock = try SessionLock.wait(session.session, store: store)
        defer { lock.release() }
        var rows = artifacts
        do {
            return try publish(session, rows, files, [], earlier)
        } catch let error as IngestError where error.code == .died || error.code == .timedOut {
            var good: [IngestFile] = []
            var quarantined: [String] = []
            for file in files {
                guard let culprit = try probe(session, rows, file) else {
                    good.append(file)
                    continue
                }
                let kept = try quarantine(file, session: session.session)
                quarantined.append(kept)
                if rows.indices.contains(file.input.artifact) {
                    rows[file.input.artifact].state = .failed
                    rows[file.input.artifact].reason = "\(culprit.message); the raw bytes are in \(kept)"
                }
            }
            if quarantined.isEmpty { throw error }
            return try publish(session, rows, good, quarantined, earlier)
        }
    }

    private func publish(
        _ session: SessionFacts, _ rows: [ArtifactEntry], _ files: [IngestFile], _ quarantined: [String],
        _ earlier: String?
    ) throws -> PackedSession {
        let created = session.created ?? session.firstSeenExited ?? session.exited ?? 0
        let relative = earlier ?? "packs/" + PackPath.relative(session: session.session, created: created)
        let target = store + "/" + relative
        try Self.makeFolders(of: target, below: store)
        let temporary = store + "/\(Self.newPacks)/\(PackPath.escaped(session.session)).\(getpid())"
        try Self.makeFolders(of: temporary, below: store)
        unlink(temporary)
        do {
            let (answer, record) = try fill(
                temporary, session, rows, files, previous: earlier == nil ? nil : target, path: relative)
            // Before the pack: a cut in between leaves a record that counts for no pack, not a pack without filters.
            // Without a record every search opens the pack; the answers stay the same.
            try? FilterLog.append(store: store, pack: relative, packBytes: answer.packBytes, record: record)
            try PackFile.publish(temporary, to: target)
            let reader = try PackReader.open(path: target)
            return PackedSession(
                pack: relative, reader: reader, artifacts: try reader.artifacts(), crashes: answer.crashes,
                members: answer.members,
                quarantined: quarantined, peakBytes: answer.peakBytes, verdicts: answer.verdicts)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private func fill(
        _ temporary: String, _ session: SessionFacts, _ rows: [ArtifactEntry], _ files: [IngestFile], previous: String?,
        path: String
    ) throws -> (answer: IngestAnswer, record: [UInt8]) {
        let pack = try PackFile.create(path: temporary)
        defer { close(pack) }
        var inputs: [Int32] = []
        defer { for descriptor in inputs { close(descriptor) } }
        for file in files {
            let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw IngestError(.unreadable, "cannot read the spool: \(reason())", path: file.path)
            }
            inputs.append(descriptor)
        }
        var old: Int32?
        if let previous {
            let descriptor = open(previous, O_RDONLY | O_CLOEXEC)
            if descriptor >= 0 { old = descriptor }
        }
        defer { if let old { close(old) } }
        let scratch = try Self.scratchFile(beside: temporary, "scratch")
        defer { close(scratch) }
        let tables = try Self.scratchFile(beside: temporary, "tables")
        defer { close(tables) }
        var job = IngestJob(
            session: session, artifacts: rows, inputs: files.map(\.input), hasPrevious: old != nil, limits: limits,
            workers: workers)
        job.hasScratch = true
        job.hasTables = true
        job.redactions = redactions
        job.path = path
        let answer = try process.wait(job, inputs: inputs, previous: old, pack: pack, scratch: scratch, tables: tables)
        return (answer, try PackFile.takeTail(pack, behind: answer.packBytes, limit: Self.largestRecord))
    }

    /// An open file without a name on the store's disk.
    private static func scratchFile(beside path: String, _ what: String) throws -> Int32 {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var descriptor = open(folder, O_RDWR | SALVAGE_O_TMPFILE | O_CLOEXEC, 0o600)
        if descriptor < 0 {
            // Not every file system has files without a name.
            let name = path + ".\(what).\(getpid())"
            descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if descriptor >= 0 { unlink(name) }
        }
        guard descriptor >= 0 else {
            throw IngestError(errno == ENOSPC ? .noSpace : .packFailed, "cannot create a scratch file: \(reason())")
        }
        return descriptor
    }

    /// Ingests one download by itself and throws the result away: nil when the child survives it.
    private func probe(_ session: SessionFacts, _ rows: [ArtifactEntry], _ file: IngestFile) throws -> IngestError? {
        let scratch = store + "/\(Self.newPacks)/\(PackPath.escaped(session.session)).probe.\(getpid())"
        try Self.makeFolders(of: scratch, below: store)
        unlink(scratch)
        defer { unlink(scratch) }
        do {
            _ = try fill(scratch, session, rows, [file], previous: nil, path: "probe")
            return nil
        } catch let error as IngestError where error.code == .died || error.code == .timedOut {
            return error
        }
    }

    /// Moves a download that killed the child where no later run will pick it up, and returns where that is. A file that
    /// does not lie in the spool is somebody else's: it is copied.
    private func quarantine(_ file: IngestFile, session: String) throws -> String {
        let name = PackPath.escaped(session)
        let relative =
            "spool/.quarantine/\(name)/\(file.input.artifact)-\(file.path.split(separator: "/").last ?? "download")"
        let target = store + "/" + relative
        try Self.makeFolders(of: target, below: store)
        if !file.path.hasPrefix(store + "/spool/") {
            try copy(file.path, to: target)
        } else if rename(file.path, target) != 0 {
            throw IngestError(.unreadable, "cannot move a download to quarantine: \(reason())", path: file.path)
        }
        try PackFile.syncFolder(of: target)
        return relative
    }

    private func copy(_ path: String, to target: String) throws {
        func fail(_ what: String) -> IngestError {
            IngestError(errno == ENOSPC ? .noSpace : .unreadable, "\(what): \(reason())", path: path)
        }
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw fail("cannot read a file that belongs into quarantine") }
        defer { close(source) }
        let copy = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard copy >= 0 else { throw fail("cannot write to quarantine") }
        defer { close(copy) }
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw fail("cannot read a file that belongs into quarantine") }
            if count == 0 { break }
            var done = 0
            while done < count {
                let wrote = buffer.withUnsafeBytes { write(copy, $0.baseAddress.map { $0 + done }, count - done) }
                guard wrote > 0 || errno == EINTR else { throw fail("cannot write to quarantine") }
                done += max(0, wrote)
            }
        }
        guard fsync(copy) == 0 else { throw fail("cannot write to quarantine") }
    }

    /// Makes the folders that lead to a file, each readable by its owner only and each synced into its parent.
    static func makeFolders(of file: String, below store: String) throws {
        var made = store
        let rest = file.dropFirst(store.count).split(separator: "/").dropLast()
        for part in rest {
            made += "/" + part
            if mkdir(made, 0o700) == 0 {
                try PackFile.syncFolder(of: made)
            } else if errno != EEXIST {
                throw IngestError(
                    errno == ENOSPC ? .noSpace : .packFailed, "cannot create a folder: \(reason())", path: made)
            }
        }
    }
}
