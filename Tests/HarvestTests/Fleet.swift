import Catalog
import Glibc
import Harvest
import Ingest
import Model
import Pack
import Synchronization
import Text

/// A simulated API: sessions with status and bodies, and faults that requests meet in turn.
final class Fleet: SessionSource, IngestService {
    struct Session {
        var status: ObservedStatus? = .exited
        var created: Int64 = 1_700_000_000_000
        var bodies: [String: [UInt8]] = [:]
        /// Failures that the next downloads of an artifact meet, in order.
        var faults: [String: [SourceFailure]] = [:]
        /// Bytes that come before such a failure.
        var before: [String: Int] = [:]
        var gone = false
    }

    struct Model {
        var sessions: [String: Session] = [:]
        var listFaults: [SourceFailure] = []
        /// The entries that lists report as unreadable.
        var listDamage = ListDamage()
        var describeFaults: [SourceFailure] = []
        var refusal: Int?
        /// Breaks the next followed stream that has sent something.
        var cutFollowers = false
        var requests: [String] = []
        var ingested: [IngestRequest] = []
        var contents: [String: [String: [UInt8]]] = [:]
        var ingestFaults: [HarvestError] = []
        /// Artifacts that cannot be packed because of the machine, and how often that still happens.
        var ingestWaits: [String: Int] = [:]
        /// The record of filters of each pack.
        var filters: [UInt8]?
        var downloading = 0
        var mostDownloading = 0
        /// Called at the start of each ingest, with the session.
        var onIngest: (@Sendable (String) -> Void)?
        /// Called at the start of each download, with the artifact.
        var onDownload: (@Sendable (String) -> Void)?
    }

    let model = Mutex(Model())

    init(_ sessions: [String: Session] = [:]) { model.withLock { $0.sessions = sessions } }

    struct Piece: DownloadPiece {
        var bytes: ArraySlice<UInt8>
        func lend<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
            try bytes.withUnsafeBytes(body)
        }
    }

    nonisolated(nonsending) func list(
        _ kind: ListKind, entry: (ListedEntry) -> Void
    ) async throws(SourceFailure) -> ListDamage {
        let (fault, sessions, refusal) = model.withLock { model in
            model.requests.append("list \(kind)")
            return (model.listFaults.isEmpty ? nil : model.listFaults.removeFirst(), model.sessions, model.refusal)
        }
        if let refusal { throw SourceFailure(status: refusal, message: "refused", identifier: "trace") }
        for (id, session) in sessions.sorted(by: { $0.key < $1.key }) where !session.gone {
            if kind == .running, session.status != .running { continue }
            let identity = SessionIdentity(
                id: id, image: "game", tag: "1.0", location: "eu", labels: ["mode": "duel"], created: session.created)
            entry(
                ListedEntry(id: id, created: session.created, status: session.status) {
                    Sighting(identity, status: session.status)
                })
        }
        if let fault { throw fault }
        return model.withLock { $0.listDamage }
    }

    func describe(_ id: String) async throws(SourceFailure) -> Sighting {
        let (fault, session, refusal) = model.withLock { model in
            model.requests.append("describe \(id)")
            let fault = model.describeFaults.isEmpty ? nil : model.describeFaults.removeFirst()
            return (fault, model.sessions[id], model.refusal)
        }
        if let refusal { throw SourceFailure(status: refusal, message: "refused") }
        if let fault { throw fault }
        guard let session, !session.gone else {
            throw SourceFailure(status: 404, message: "not found", identifier: "describe-\(id)")
        }
        return Sighting(
            SessionIdentity(id: id, image: "game", tag: "1.0", location: "eu", created: session.created),
            status: session.status)
    }

    func download(
        _ id: String, _ artifact: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
    ) async throws -> Bool {
        model.withLock { $0.onDownload }?(artifact)
        let (refusal, session, fault) = model.withLock { model in
            model.requests.append("\(artifact) \(id)")
            model.downloading += 1
            model.mostDownloading = max(model.mostDownloading, model.downloading)
            var fault: SourceFailure?
            if model.sessions[id]?.faults[artifact]?.isEmpty == false {
                fault = model.sessions[id]?.faults[artifact]?.removeFirst()
            }
            return (model.refusal, model.sessions[id], fault)
        }
        defer { model.withLock { $0.downloading -= 1 } }
        if let refusal { throw SourceFailure(status: refusal, message: "refused", identifier: "trace") }
        if let fault, !fault.cut { throw fault }
        guard let session, !session.gone, let body = session.bodies[artifact] else {
            throw SourceFailure(status: 404, message: "not found", identifier: "404-\(id)")
        }
        let sent = fault == nil ? body[...] : body.prefix(session.before[artifact] ?? body.count / 2)
        var rest = sent
        while !rest.isEmpty {
            guard try await sink(Piece(bytes: rest.prefix(1000))) else { return false }
            rest = rest.dropFirst(1000)
        }
        if let fault { throw fault }
        return true
    }

    func follow(
        _ id: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
    ) async throws -> Bool {
        var sent = 0
        while !Task.isCancelled {
            let (session, cut) = model.withLock { model in
                if sent == 0 { model.requests.append("follow \(id)") }
                let cut = sent > 0 && model.cutFollowers
                if cut { model.cutFollowers = false }
                return (model.sessions[id], cut)
            }
            guard let session else { throw SourceFailure(status: 404, message: "not found") }
            if cut { throw SourceFailure(message: "closed", cut: true) }
            let rest = (session.bodies["logs"] ?? []).dropFirst(sent)
            if !rest.isEmpty {
                guard try await sink(Piece(bytes: rest)) else { return false }
                sent += rest.count
            }
            if session.status != .running { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    func ingest(_ request: IngestRequest) async throws -> IngestOutcome {
        let (fault, hook) = model.withLock { model in
            model.ingested.append(request)
            return (model.ingestFaults.isEmpty ? nil : model.ingestFaults.removeFirst(), model.onIngest)
        }
        hook?(request.facts.session)
        if let fault { throw fault }
        var waiting: ByteDictionary<String> = [:]
        model.withLock { model in
            for (artifact, left) in model.ingestWaits where left > 0 {
                model.ingestWaits[artifact] = left - 1
                waiting[artifact] = "the confined process was killed from outside"
            }
        }
        var rows = request.artifacts
        var held = model.withLock { $0.contents[request.facts.session] ?? [:] }
        for file in request.files where waiting[file.artifact] == nil {
            let bytes = Fleet.read(file.path)
            let lacking = bytes.starts(with: Array("LACKING".utf8))
            for index in rows.indices where rows[index].artifact == file.artifact {
                rows[index].state = file.complete && !lacking ? .collected : .incomplete
                rows[index].reason = lacking ? "no end-of-archive blocks" : file.complete ? nil : "cut"
            }
            if bytes.count >= held[file.artifact]?.count ?? 0 { held[file.artifact] = bytes }
        }
        let kept = held
        model.withLock { $0.contents[request.facts.session] = kept }
        let path = "packs/" + PackPath.relative(session: request.facts.session, created: request.facts.created ?? 0)
        let contents = PackContents(facts: request.facts, artifacts: rows, path: path, packBytes: 100)
        var outcome = IngestOutcome(contents: contents)
        outcome.waiting = waiting
        outcome.filters = model.withLock { $0.filters }
        return outcome
    }

    static func read(_ path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var facts = stat()
        fstat(descriptor, &facts)
        var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }
}

/// A store in a folder of its own, removed at the end.
final class TemporaryStore {
    let path: String

    init() {
        var template = Array("/tmp/salvage-harvest-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        path = made.map { String(cString: $0) } ?? "/tmp/salvage-harvest"
    }

    deinit { TemporaryStore.remove(path) }

    /// Everything in the spool, session folders and their files.
    var spooled: [String] {
        TemporaryStore.names(path + "/spool").flatMap { folder in
            TemporaryStore.names(path + "/spool/" + folder).map { folder + "/" + $0 }
        }.sorted()
    }

    static func names(_ path: String) -> [String] {
        guard let handle = opendir(path) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func remove(_ path: String) {
        for name in names(path) { remove(path + "/" + name) }
        if rmdir(path) != 0 { unlink(path) }
    }
}
