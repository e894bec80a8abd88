public import Catalog
import Foundation
import Glibc
public import Pack

/// One download that lies in the spool.
public struct SpooledFile: Sendable, Equatable {
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

/// What became of one session's downloads.
public struct IngestOutcome: Sendable, Equatable {
    /// The pack, relative to the store; nil when there was nothing to keep.
    public var pack: String?
    /// The ledger rows as they stand in the pack and the catalog now.
    public var artifacts: [ArtifactEntry]
    /// Crashes found in all members of the pack.
    public var crashes: Int
    /// Members of the pack.
    public var members: Int
    /// Downloads that killed the child; they lie in quarantine with their raw bytes.
    public var quarantined: [String]
    /// What was found in each download, in the order in which they were given; quarantined ones are left out.
    public var verdicts: [ArtifactVerdict]
}

/// Takes a session's downloads from the spool to a committed pack, in the order that survives a power cut: pack synced
/// and renamed and its folder synced, then one catalog transaction, then the spool may go.
public struct StoreIngest: Sendable {
    private let store: String
    private let catalog: Catalog
    private let process: IngestProcess
    private let limits: IngestLimits
    private let workers: Int

    /// An ingest into the store at `store`, whose catalog is open for writing.
    public init(
        store: String, catalog: Catalog, process: IngestProcess = IngestProcess(),
        limits: IngestLimits = IngestLimits(),
        workers: Int = 0
    ) {
        self.store = store
        self.catalog = catalog
        self.process = process
        self.limits = limits
        self.workers = workers
    }

    /// Packs and commits the downloads of one session. The files stay where they are; drop them afterwards.
    ///
    /// Calls block; run it on a thread of its own. If the session has a pack already, the new one holds all of the old
    /// as well. A download that kills the child costs itself only: it is moved to quarantine and its row says so.
    ///
    /// - Throws: ``IngestError`` when no pack can be written (disk full, child cannot start), `PackError` when it cannot
    ///   be published, `CatalogError` when it cannot be committed. The spool is untouched then.
    public func ingest(session: SessionFacts, artifacts: [ArtifactEntry], files: [SpooledFile]) throws -> IngestOutcome
    {
        let lock = try SessionLock(session.session, store: store)
        defer { lock.release() }
        var rows = artifacts
        var good = files
        var quarantined: [String] = []
        do {
            return try pack(session, rows, good, quarantined)
        } catch let error as IngestError where error.code == .died || error.code == .timedOut {
            good = []
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
            return try pack(session, rows, good, quarantined)
        }
    }

    private func pack(
        _ session: SessionFacts, _ rows: [ArtifactEntry], _ files: [SpooledFile], _ quarantined: [String]
    ) throws -> IngestOutcome {
        let known = try? catalog.session(session.session)
        let created = session.created ?? known?.created ?? session.firstSeenExited ?? session.exited ?? 0
        let relative = known?.pack ?? "packs/" + PackPath.relative(session: session.session, created: created)
        let target = store + "/" + relative
        try Self.makeFolders(of: target, below: store)
        let temporary = target + ".\(getpid()).new"
        unlink(temporary)
        let answer: IngestAnswer
        do {
            answer = try fill(temporary, session, rows, files, previous: known?.pack == nil ? nil : target)
            try PackFile.publish(temporary, to: target)
        } catch {
            unlink(temporary)
            throw error
        }
        let reader = try PackReader.open(path: target)
        let contents = PackContents(
            facts: try reader.session(), artifacts: try reader.artifacts(), members: reader.members,
            crashes: try reader.crashes(), path: relative, packBytes: reader.fileSize)
        try catalog.commit(contents)
        return IngestOutcome(
            pack: relative, artifacts: contents.artifacts, crashes: answer.crashes, members: answer.members,
            quarantined: quarantined, verdicts: answer.verdicts)
    }

    private func fill(
        _ temporary: String, _ session: SessionFacts, _ rows: [ArtifactEntry], _ files: [SpooledFile], previous: String?
    ) throws -> IngestAnswer {
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
        let job = IngestJob(
            session: session, artifacts: rows, inputs: files.map(\.input), hasPrevious: old != nil, limits: limits,
            workers: workers)
        return try process.wait(job, inputs: inputs, previous: old, pack: pack)
    }

    /// Ingests one download by itself and throws the result away: nil when the child survives it.
    private func probe(_ session: SessionFacts, _ rows: [ArtifactEntry], _ file: SpooledFile) throws -> IngestError? {
        let scratch = file.path + ".probe"
        unlink(scratch)
        defer { unlink(scratch) }
        do {
            _ = try fill(scratch, session, rows, [file], previous: nil)
            return nil
        } catch let error as IngestError where error.code == .died || error.code == .timedOut {
            return error
        }
    }

    /// Moves a download that killed the child where no later run will pick it up, and returns where that is.
    private func quarantine(_ file: SpooledFile, session: String) throws -> String {
        let name = PackPath.escaped(session)
        let relative =
            "spool/quarantine/\(name)/\(file.input.artifact)-\(file.path.split(separator: "/").last ?? "download")"
        let target = store + "/" + relative
        try Self.makeFolders(of: target, below: store)
        guard rename(file.path, target) == 0 else {
            throw IngestError(.unreadable, "cannot move a download to quarantine: \(reason())", path: file.path)
        }
        try PackFile.syncFolder(of: target)
        return relative
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
