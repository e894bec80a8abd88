import CFiles
import Files
import Glibc
import Model
import Pack
import Text

/// Sorts a session's downloads after the child failed on all of them together.
struct Triage {
    /// The downloads that the child survives alone.
    var good: [IngestFile] = []
    /// The downloads proven to crash or stall the child, with their place in quarantine.
    var culprits: [(file: IngestFile, place: String, reason: String)] = []
    /// Artifacts with a download that could not be read because of a local failure.
    var waiting: [Int: IngestError] = [:]
    /// The first of these reasons.
    var firstReason: IngestError?

    /// The culprits, as reported to the caller.
    var quarantined: [QuarantinedFile] {
        culprits.map { QuarantinedFile(place: $0.place, artifact: $0.file.input.artifact, reason: $0.reason) }
    }
}

extension StoreIngest {
    /// Packs the downloads that the child survived alone: together, or, if that is too much for the child or the
    /// machine, one artifact after the other, each as a generation that contains the ones before. An artifact that
    /// fails then waits.
    func publishGood(
        _ session: SessionMetadata, _ rows: [ArtifactEntry], _ triage: Triage, _ earlier: EarlierClaim
    ) throws -> PackedSession {
        do {
            return try publish(session, rows, triage.good, triage, earlier)
        } catch let error as IngestError where error.mayConcernOneFile {
            var artifacts: [Int] = []
            for file in triage.good where !artifacts.contains(file.input.artifact) {
                artifacts.append(file.input.artifact)
            }
            guard artifacts.count > 1 else { throw error }
            return try publishApart(artifacts, session, rows, triage, earlier, after: error)
        }
    }

    private func publishApart(
        _ artifacts: [Int], _ session: SessionMetadata, _ rows: [ArtifactEntry], _ triage: Triage,
        _ earlier: EarlierClaim, after error: IngestError
    ) throws -> PackedSession {
        var triage = triage
        var earlier = earlier
        var packed: PackedSession?
        var superseded: [String] = []
        var verdicts: [Int: [ArtifactVerdict]] = [:]
        var damage: [String] = []
        var peak: UInt64?
        for artifact in artifacts {
            do {
                let files = triage.good.filter { $0.input.artifact == artifact }
                let next = try publish(session, rows, files, triage, earlier)
                earlier.pack = next.pack
                // Those of an earlier step may be on another day, where the next step does not look.
                superseded += next.superseded.filter { path in !superseded.contains { $0.hasSameBytes(as: path) } }
                verdicts[artifact] = next.verdicts
                damage += next.earlierDamage
                peak = [peak, next.peakBytes].compactMap { $0 }.max()
                packed = next
            } catch let error as IngestError where error.mayConcernOneFile {
                triage.waiting[artifact] = error
            }
        }
        guard var packed else { throw error }
        packed.verdicts = artifacts.flatMap { verdicts[$0] ?? [] }
        packed.earlierDamage = damage
        packed.superseded = superseded
        packed.peakBytes = peak
        packed.waiting = triage.waiting.mapValues(\.message)
        return packed
    }

    /// Tries each download in a child of its own.
    ///
    /// Quarantine needs proof: alone, the download crashes or stalls the child; a child without input succeeds; alone,
    /// the download crashes or stalls the child again. A download whose child ends otherwise, such as by the OOM
    /// killer, waits.
    ///
    /// - Throws: ``IngestError`` for a local failure that concerns all downloads.
    func triage(_ session: SessionMetadata, _ rows: [ArtifactEntry], _ files: [IngestFile]) throws -> Triage {
        var triage = Triage()
        for file in files {
            guard let first = try probe(session, rows, [file]) else {
                triage.good.append(file)
                continue
            }
            var last = first
            if first.suspectsInput {
                if let control = try probe(session, rows, []) { throw Self.short(control) }
                if let short = Self.shortage(for: limits) { throw short }
                guard let second = try probe(session, rows, [file]) else {
                    triage.good.append(file)
                    continue
                }
                last = second
            }
            if last.suspectsInput {
                triage.culprits.append((file, try place(for: file, session: session.session), last.message))
            } else {
                triage.waiting[file.input.artifact] = last
                triage.firstReason = triage.firstReason ?? last
            }
        }
        // An artifact is judged by all of its downloads, so all of them wait.
        triage.good.removeAll { triage.waiting[$0.input.artifact] != nil }
        return triage
    }

    /// Ingests downloads and discards the result; returns nil when the child survives them.
    private func probe(_ session: SessionMetadata, _ rows: [ArtifactEntry], _ files: [IngestFile]) throws
        -> IngestError?
    {
        let scratch = store + "/\(Self.newPacks)/\(PackPath.escaped(session.session)).probe.\(getpid())"
        try Self.makeFolders(of: scratch, below: store)
        unlink(scratch)
        defer { unlink(scratch) }
        do {
            _ = try fill(scratch, session, rows, files, previous: nil, path: "probe")
            return nil
        } catch let error as IngestError where error.mayConcernOneFile {
            return error
        }
    }

    /// Makes the error for a child that fails without input: the machine is at fault.
    private static func short(_ error: IngestError) -> IngestError {
        IngestError(
            .spawn,
            "the confined process fails even with no input, so this machine is at fault, not the download: "
                + error.message)
    }

    /// Returns an error if this process is limited to less address space than a child may use, which can cause a crash.
    private static func shortage(for limits: IngestLimits) -> IngestError? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
            limit.rlim_max < Confinement.addressSpace(limits.memoryBytes)
        else { return nil }
        return IngestError(
            .spawn,
            "the confined process may have run out of address space: ulimit -v allows \(limit.rlim_max >> 20) MiB")
    }

    /// Returns an unused path in quarantine for a culprit, relative to the store.
    private func place(for file: IngestFile, session: String) throws -> String {
        let name = file.path.split(separator: "/").last ?? "download"
        let base = "spool/.quarantine/\(PackPath.escaped(session))/\(file.input.artifact)-\(name)"
        for number in 0..<1000 {
            let place = number == 0 ? base : "\(base).\(number)"
            var facts = stat()
            if lstat(store + "/" + place, &facts) == 0 { continue }
            guard errno == ENOENT || errno == ENOTDIR else {
                throw IngestError(
                    .localFault, "the quarantine cannot be read now (\(reason())); nothing was changed",
                    path: store + "/" + place)
            }
            return place
        }
        throw IngestError(
            .packFailed, "the quarantine already has 1000 downloads of this artifact; remove those not needed",
            path: store + "/" + base)
    }

    /// Moves a culprit into quarantine, where no later run picks it up. Never overwrites a file. A file outside the
    /// spool belongs to the user and is copied instead.
    func quarantine(_ file: IngestFile, at place: String) throws {
        let target = store + "/" + place
        try Self.makeFolders(of: target, below: store)
        if !file.path.hasPrefix(store + "/spool/") {
            try copy(file.path, to: target)
        } else if salvage_rename_new(AT_FDCWD, file.path, AT_FDCWD, target) != 0 {
            // Not every file system supports RENAME_NOREPLACE, and quarantine may be on another disk.
            guard [EINVAL, ENOSYS, EXDEV].contains(errno) else {
                throw IngestError(.unreadable, "cannot move a download to quarantine: \(reason())", path: file.path)
            }
            try copy(file.path, to: target)
            unlink(file.path)
        }
        try PackError.wrap(try Folders.sync(Folders.split(target).folder))
    }

    private func copy(_ path: String, to target: String) throws {
        func fail(_ what: String, _ failure: FileFailure) -> IngestError {
            IngestError(failure.isFull ? .noSpace : .unreadable, "\(what): \(failure.reason)", path: path)
        }
        let source: Int32
        do throws(FileFailure) { source = try Descriptor.open(path, O_RDONLY) } catch {
            throw fail("cannot read a file to quarantine it", error)
        }
        defer { close(source) }
        do throws(FileFailure) {
            let copy = try OpenFile(target, O_WRONLY | O_CREAT | O_EXCL)
            do throws(FileFailure) {
                try Descriptor.copy(source, path, to: copy.descriptor, target)
                try copy.syncAll()
            } catch {
                unlink(target)
                throw error
            }
        } catch {
            throw fail(error.path == path ? "cannot read a file to quarantine it" : "cannot write to quarantine", error)
        }
    }
}
