import Catalog
import CrashAnalysis
import Files
import Glibc
public import Ingest
import Model
import Pack
public import SalvageConfiguration
import Text

/// The result of ingesting a bundle.
public struct BundleIngestReport: Sendable {
    /// The bundle as it was named.
    public let bundle: String
    /// The verdict on the bundle as an archive; nil for a folder that could not be judged.
    public internal(set) var verdict: ArtifactVerdict?
    /// The sessions, in the order in which the bundle lists them.
    public internal(set) var sessions: [IngestReport] = []
    /// What was added to the symbols; nil if the bundle has none, or they were not wanted.
    public internal(set) var symbols: SymbolsReport?
    /// What is missing in the bundle, and the sessions that could not be ingested.
    public internal(set) var failures: [StoreError] = []

    /// Whether all of a whole bundle was ingested.
    public var isWhole: Bool {
        failures.isEmpty && verdict?.verdict == .ok && sessions.allSatisfy(\.isWhole)
            && symbols.map { $0.unread.isEmpty && $0.awaitingSymbols == 0 } ?? true
    }
}

extension Store {
    /// Ingests the sessions of a bundle that ``bundle(_:to:_:sheet:progress:)`` wrote, with all that it says about them, and
    /// its symbols.
    ///
    /// A bundle is as untrusted as a download. A confined process unpacks it into a temporary pack, and another one reads
    /// each session's files from there as it reads a download.
    ///
    /// - Parameters:
    ///   - bundle: the archive, or the folder.
    ///   - given: takes precedence over what the bundle says about its sessions.
    ///   - addsSymbols: whether its symbols are added to the store's.
    ///   - configuration: has limits, redaction rules and signature rules, which apply as in a harvest.
    ///   - progress: called before each step.
    /// - Throws: ``StoreError`` with `badBundle` or `unreadable`; an error that would end the ingest of every session.
    public func ingest(
        bundle: String, _ given: IngestMetadata = IngestMetadata(), addsSymbols: Bool = true,
        by configuration: Configuration, progress: (StoreProgress) -> Void
    ) throws -> BundleIngestReport {
        let folder = try TemporaryFolder("salvage-bundle")
        var report = BundleIngestReport(bundle: bundle)
        progress(.unpacking(path: bundle))
        let (pack, verdict) = try unpack(bundle, in: folder.path, by: configuration)
        report.verdict = verdict
        let contents = try BundleContents(pack, bundle: bundle)
        if addsSymbols, !contents.symbols.isEmpty {
            report.symbols = try addSymbols(contents, of: pack, in: folder.path, by: configuration, progress)
        }
        for (index, entry) in contents.listed.enumerated() {
            progress(.ingesting(session: index + 1, of: contents.listed.count))
            do {
                let session = try contents.session(entry.id, in: entry.folder)
                let scratch = "\(folder.path)/session-\(index)"
                try Folders.make(scratch, mode: 0o700)
                defer { _ = try? Folders.removeTree(scratch) }
                let archives = try archives(of: session, pack, bundle: bundle, in: scratch)
                // What the store knows stays: a bundle is not a better source about a session than the store itself.
                let known = try catalog().session(session.id)
                let facts = given.completed(by: IngestMetadata(known).completed(by: session.metadata))
                report.sessions.append(
                    try ingest(as: session.id, facts, by: configuration) { try Intake(archives: archives) })
                if let differing = Self.differing(session, from: known) { report.failures.append(differing) }
                if let missing = Self.missing(session) { report.failures.append(missing) }
            } catch  where !Self.endsEveryIngest(error) {
                var failure = StoreError(error)
                failure.session = failure.session ?? entry.id
                report.failures.append(failure)
            }
        }
        return report
    }

    /// Unpacks a bundle into a store of its own.
    private func unpack(
        _ bundle: String, in folder: String, by configuration: Configuration
    ) throws -> (SessionPack, ArtifactVerdict?) {
        let inner = try Store(creating: folder + "/store")
        var plain = configuration
        // The rules apply when the sessions are packed: here they could change what describes them.
        plain.redact = []
        let id = "bundle"
        let report = try inner.ingest([bundle], as: id, IngestMetadata(), by: plain)
        if let culprit = report.quarantined.first {
            throw BundleContents.refusal(bundle, "its reader failed: \(culprit.reason)", nil)
        }
        if let waiting = report.waiting.first {
            throw StoreError(
                .unreadable, "the bundle cannot be read now: \(waiting.reason)", path: bundle,
                hint: "the fault is this machine's, not the bundle's: run the command again", kind: .tryAgain)
        }
        let verdict = report.judged.first?.verdict
        if let verdict, verdict.verdict == .notAnArchive {
            throw BundleContents.refusal(
                bundle, verdict.firstError ?? "it is not an archive",
                "to ingest other files, name their session: salvage ingest --session ID FILE")
        }
        return (try inner.pack(id), verdict)
    }

    /// Writes the bundle's symbols as files below a folder, under names that are safe, and adds those that are symbols.
    private func addSymbols(
        _ contents: BundleContents, of pack: SessionPack, in folder: String, by configuration: Configuration,
        _ progress: (StoreProgress) -> Void
    ) throws -> SymbolsReport {
        let place = folder + "/symbols"
        let tree = try ExportTree(creating: place)
        let decoder = try BlockDecoder()
        var written: Set<Int> = []
        for (components, number) in contents.symbols {
            guard let content = contents.content(of: number), written.insert(content).inserted else { continue }
            var names = components.map { ExportName.component($0) }
            // A program without a build id is found by its name, which is that of the folder.
            if names.count == 3, names[0] == ".by-name" { names = [names[0], names[2], names[1]] }
            let file = try tree.createFile(names)
            defer { close(file.descriptor) }
            try pack.reader.streamExtents(member: content, using: decoder) { extent in
                if case .bytes(let piece, let offset) = extent { try tree.put(piece, into: file, at: offset) }
            }
            _ = ftruncate(file.descriptor, off_t(clamping: pack.reader.members[content].size))
        }
        return try addSymbols(
            [place], rules: configuration.signatures, allowMissing: configuration.confinement.allowMissing,
            progress: progress)
    }

    /// Writes one archive for each artifact of a session.
    private func archives(
        of session: BundleContents.Session, _ pack: SessionPack, bundle: String, in folder: String
    ) throws -> [BundleArchive] {
        let origin = StorePath.absolute(bundle)
        return try session.artifacts.enumerated().map { index, artifact in
            let path = "\(folder)/\(index).tar"
            do {
                try BundleArchive.write(artifact.files, of: pack.reader, to: path, isWhole: artifact.isWhole)
            } catch let error as FileFailure {
                throw StoreError(
                    error.isFull ? .noSpace : .storeFailed, "cannot write an unpacked session: \(error.reason)",
                    path: error.path, hint: "set TMPDIR to a folder with more space")
            }
            let name = artifact.name.isEmpty ? origin : origin + BundleArchive.mark + artifact.name
            return BundleArchive(name: name, path: path)
        }
    }

    /// The error for a session about which the store knows something else.
    private static func differing(_ session: BundleContents.Session, from known: SessionRecord?) -> StoreError? {
        guard let known else { return nil }
        let (told, facts) = (session.metadata, IngestMetadata(known))
        let texts = [
            ("image", told.image, facts.image), ("tag", told.tag, facts.tag),
            ("location", told.location, facts.location),
            ("host", told.host, facts.host),
        ]
        var names = texts.compactMap { name, told, known in
            if let told, let known, !told.hasSameBytes(as: known) { name } else { nil }
        }
        if let told = told.created, let known = facts.created, told != known { names.append("created") }
        guard !names.isEmpty else { return nil }
        return StoreError(
            .badMetadata, "the store knows another \(names.joined(separator: ", ")) of the session, which stays",
            session: session.id,
            hint: "check that the bundle's session is the same: salvage show, and its session.json",
            kind: .partial)
    }

    /// The error for a session of which the bundle lacks files.
    private static func missing(_ session: BundleContents.Session) -> StoreError? {
        guard let first = session.missing.first else { return nil }
        let more = session.missing.count > 1 ? " and \(session.missing.count - 1) more" : ""
        return StoreError(
            .bundleIncomplete, "the bundle lacks all or a part of \(first)\(more); the rest was ingested",
            session: session.id, hint: "get the bundle again: it may be truncated", kind: .partial)
    }
}
