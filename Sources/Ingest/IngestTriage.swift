import CShims
import Glibc
import Pack

/// Which downloads of a session can be packed, after the child did not get through all of them together.
struct Triage {
    /// Those that the child survives alone.
    var good: [IngestFile] = []
    /// Those that are proven to crash or stall it, and where they are to go.
    var culprits: [(file: IngestFile, place: String, reason: String)] = []
    /// Artifacts of which a download could not be read for a reason that is not its own.
    var waiting: [Int: IngestError] = [:]
    /// The first of these reasons.
    var firstReason: IngestError?

    /// The culprits, as reported to the caller.
    var quarantined: [QuarantinedFile] {
        culprits.map { QuarantinedFile(place: $0.place, artifact: $0.file.input.artifact, reason: $0.reason) }
    }
}

extension StoreIngest {
    /// Packs what the child got through alone: together, or, where that is too much for it or for the machine, one artifact
    /// after the other, each as a generation that holds the ones before. An artifact that fails then waits.
    func publishGood(
        _ session: SessionFacts, _ rows: [ArtifactEntry], _ triage: Triage, _ earlier: String?
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
        _ artifacts: [Int], _ session: SessionFacts, _ rows: [ArtifactEntry], _ triage: Triage, _ earlier: String?,
        after error: IngestError
    ) throws -> PackedSession {
        var triage = triage
        var packed: PackedSession?
        var verdicts: [Int: [ArtifactVerdict]] = [:]
        var damage: [String] = []
        var peak: UInt64?
        for artifact in artifacts {
            do {
                let files = triage.good.filter { $0.input.artifact == artifact }
                let next = try publish(session, rows, files, triage, packed?.pack ?? earlier)
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
        packed.peakBytes = peak
        packed.waiting = triage.waiting.mapValues(\.message)
        return packed
    }

    /// Gives each download to a child of its own.
    ///
    /// Quarantine needs a proof: alone it crashes or stalls the child, a child with nothing to read gets through, and
    /// alone it does so once more. One that dies otherwise, by the kernel's hand when memory is short for instance, waits.
    ///
    /// - Throws: ``IngestError`` for a fault of the machine that concerns all of them.
    func triage(_ session: SessionFacts, _ rows: [ArtifactEntry], _ files: [IngestFile]) throws -> Triage {
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
        // An artifact is judged by all of its downloads together.
        triage.good.removeAll { triage.waiting[$0.input.artifact] != nil }
        return triage
    }

    /// Ingests downloads and throws the result away: nil when the child survives them.
    private func probe(_ session: SessionFacts, _ rows: [ArtifactEntry], _ files: [IngestFile]) throws -> IngestError? {
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

    /// What a child that died with nothing to read says of the machine.
    private static func short(_ error: IngestError) -> IngestError {
        IngestError(.spawn, "a child with nothing to read ends as well: \(error.message)")
    }

    /// Set when this process may use less address space than a child is allowed: then a crash may be for want of it.
    private static func shortage(for limits: IngestLimits) -> IngestError? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
            limit.rlim_max < Confinement.addressSpace(limits.memoryBytes)
        else { return nil }
        return IngestError(
            .spawn, "the child may have died for want of address space: ulimit -v leaves \(limit.rlim_max >> 20) MiB")
    }

    /// Where a culprit is to go, relative to the store: a name that nothing has yet, by the system's own word.
    private func place(for file: IngestFile, session: String) throws -> String {
        let name = file.path.split(separator: "/").last ?? "download"
        let base = "spool/.quarantine/\(PackPath.escaped(session))/\(file.input.artifact)-\(name)"
        for number in 0..<1000 {
            let place = number == 0 ? base : "\(base).\(number)"
            var facts = stat()
            if lstat(store + "/" + place, &facts) == 0 { continue }
            guard errno == ENOENT || errno == ENOTDIR else {
                throw IngestError(
                    .localFault, "the quarantine cannot be looked at now (\(reason())); nothing was changed",
                    path: store + "/" + place)
            }
            return place
        }
        throw IngestError(
            .packFailed, "1000 downloads of the artifact are in quarantine already; remove what nobody needs",
            path: store + "/" + base)
    }

    /// Moves a culprit where no later run will pick it up, and never over what lies there. A file that does not lie in the
    /// spool is somebody else's: it is copied.
    func quarantine(_ file: IngestFile, at place: String) throws {
        let target = store + "/" + place
        try Self.makeFolders(of: target, below: store)
        if !file.path.hasPrefix(store + "/spool/") {
            try copy(file.path, to: target)
        } else if salvage_rename_new(AT_FDCWD, file.path, AT_FDCWD, target) != 0 {
            // Not every file system can refuse to replace; the folder may be another disk's.
            guard [EINVAL, ENOSYS, EXDEV].contains(errno) else {
                throw IngestError(.unreadable, "cannot move a download to quarantine: \(reason())", path: file.path)
            }
            try copy(file.path, to: target)
            unlink(file.path)
        }
        try PackFile.syncFolder(of: target)
    }

    private func copy(_ path: String, to target: String) throws {
        func fail(_ what: String) -> IngestError {
            IngestError(errno == ENOSPC ? .noSpace : .unreadable, "\(what): \(reason())", path: path)
        }
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw fail("cannot read a file that belongs into quarantine") }
        defer { close(source) }
        let copy = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard copy >= 0 else { throw fail("cannot write to quarantine") }
        var isWhole = false
        defer {
            close(copy)
            if !isWhole { unlink(target) }
        }
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
        isWhole = true
    }
}
