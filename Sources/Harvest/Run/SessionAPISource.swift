import Model
public import SalvageConfiguration
public import SessionAPI

/// The Session API as the source of sessions and bytes.
public struct SessionAPISource: SessionSource {
    private let client: SessionAPIClient

    /// Uses a client. The caller must shut it down.
    public init(_ client: SessionAPIClient) { self.client = client }

    /// Lists sessions as they arrive.
    nonisolated(nonsending) public func list(
        _ kind: ListKind, entry: (ListedEntry) -> Void
    ) async throws(SourceFailure) -> ListDamage {
        var query = SessionListQuery()
        query.all = kind == .all
        do {
            let summary = try await client.sessionList(query) { listed in
                let status = listed.status.flatMap { ObservedStatus(rawValue: $0.rawValue) }
                entry(
                    ListedEntry(id: listed.id, created: listed.created, status: status) {
                        Sighting(SessionIdentity(listed), status: status)
                    })
            }
            return ListDamage(rejected: summary.rejected, entries: summary.damaged)
        } catch {
            throw SourceFailure(error)
        }
    }

    /// Describes a session.
    public func describe(_ id: String) async throws(SourceFailure) -> Sighting {
        do {
            let session = try await client.describeSession(id).session
            var identity = SessionIdentity(session)
            // Keep the requested id, even if the response spells it differently.
            identity.id = id
            return Sighting(
                identity, status: session.status.flatMap { ObservedStatus(rawValue: $0.rawValue) })
        } catch {
            throw SourceFailure(error)
        }
    }

    /// Downloads an artifact or the log.
    public func download(
        _ id: String, _ artifact: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
    ) async throws -> Bool {
        do {
            if artifact == FetchItem.logs {
                for try await piece in try await client.streamLogs(session: id) {
                    guard try await sink(APIPiece(chunk: piece)) else { return false }
                }
            } else {
                for try await piece in try await client.artifacts(session: id, path: artifact).body {
                    guard try await sink(APIPiece(chunk: piece)) else { return false }
                }
            }
        } catch let error as APIError {
            throw SourceFailure(error)
        }
        return true
    }

    /// Follows a log.
    public func follow(
        _ id: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
    ) async throws -> Bool {
        do {
            for try await piece in try await client.streamLogs(session: id, follow: true) {
                guard try await sink(APIPiece(chunk: piece)) else { return false }
            }
        } catch let error as APIError {
            throw SourceFailure(error)
        }
        return true
    }
}

extension SessionAPIClient.Configuration {
    /// Makes a client configuration from salvage's configuration.
    public init(
        _ configuration: SalvageConfiguration.Configuration, token: @escaping @Sendable () async throws -> String
    ) {
        self.init(baseURL: configuration.api.url, token: token)
        stallTimeout = .milliseconds(configuration.limits.stall)
        // The fetcher bounds the connections in use, also after a reload; the client must not allow fewer.
        downloadConnections = SalvageConfiguration.Configuration.Limits.mostConcurrency
        followConnections = SalvageConfiguration.Configuration.Limits.mostFollowers
        listTimeout = .milliseconds(configuration.limits.list)
        maximumList = 256 << 20
    }
}

private struct APIPiece: DownloadPiece {
    var chunk: BodyChunk

    func lend<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try chunk.withUnsafeBytes(body)
    }
}

extension SessionIdentity {
    /// Makes the metadata of a listed session; of its labels only the user's.
    init(_ entry: SessionEntry) {
        self.init(
            id: entry.id, image: entry.image, tag: entry.tag, location: entry.location.isEmpty ? nil : entry.location,
            host: entry.host, labels: entry.labels.user, created: entry.created)
    }
}

extension SourceFailure {
    /// Makes a failure from an API error.
    init(_ error: APIError) {
        let complaints = error.violations.map { "; \($0.field): \($0.description)" }.joined()
        self.init(
            status: error.innerStatus ?? error.status, message: error.summary + complaints,
            identifier: error.identifier,
            retryAfter: error.retryAfter.flatMap(Self.milliseconds), cut: error.kind == .truncated,
            // Only a response is final: a token file that cannot be read now may be readable in the next run.
            isFinal: error.status != nil && !error.isRetryable)
    }

    private static func milliseconds(_ seconds: Double) -> Int64? {
        guard seconds >= 0, seconds < 1e12 else { return seconds > 0 ? Int64.max : nil }
        return Int64(seconds * 1000)
    }
}
