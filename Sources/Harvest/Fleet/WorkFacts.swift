import Catalog
import FoundationEssentials
import Model
import Pack

/// What an offer tells the harvester that claims it, as JSON.
struct WorkFacts: Codable, Sendable {
    /// Who the session is, when it ended and when its container will be gone.
    var facts: SessionMetadata
    /// The session's id in the API.
    var id: String
    /// The earliest time it can have ended, in milliseconds since 1970.
    var notBefore: Int64
    /// Whether it looks crashed.
    var crashed: Bool
}

extension WorkOffer {
    /// Makes the offer of a session that ended.
    init(_ session: ExitedSession) {
        let facts = WorkFacts(
            facts: SessionMetadata(
                session.identity.withID(session.key), firstSeenExited: session.exitedAt, deadline: session.deadline,
                source: "harvest"),
            id: session.identity.id, notBefore: session.notBefore, crashed: session.crashed)
        self.init(
            session: session.key, deadline: session.deadline, crashed: session.crashed, facts: facts.text)
    }

    /// Makes the offer of a session that this machine has downloads of.
    ///
    /// - Parameter retention: how long a container is expected to outlive its process, in milliseconds.
    init(_ facts: SessionMetadata, retention: Int64, now: Int64) {
        let exitedAt = facts.firstSeenExited ?? now
        let session = ExitedSession(
            key: facts.session,
            identity: facts.identity.withID(RunKey.apiID(key: facts.session, created: facts.created)),
            exitedAt: exitedAt, deadline: facts.deadline ?? exitedAt &+ retention, notBefore: exitedAt, crashed: false,
            evidence: .resumed)
        self.init(session)
    }
}

extension WorkFacts {
    /// The JSON text. Encoding these fields cannot fail; if it does, the one who claims it looks at the ledger.
    fileprivate var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

extension ExitedSession {
    /// Makes the session of a claim, from what its offer says or, if that is not readable, from the ledger. Returns nil when
    /// neither knows it.
    init?(_ claim: ClaimedWork, _ record: SessionRecord?) {
        // The text comes from another process, perhaps of another version.
        if let offered = try? JSONDecoder().decode(WorkFacts.self, from: Data(claim.facts.utf8)),
            offered.facts.session.utf8.elementsEqual(claim.session.utf8)
        {
            var identity = offered.facts.identity.withID(offered.id)
            if let record { identity.merge(from: record.apiIdentity) }
            let exitedAt = offered.facts.firstSeenExited ?? offered.notBefore
            self.init(
                key: claim.session, identity: identity, exitedAt: exitedAt, deadline: claim.deadline,
                notBefore: offered.notBefore, crashed: offered.crashed, evidence: .resumed)
        } else if let record {
            self.init(reopening: record)
            deadline = claim.deadline
        } else {
            return nil
        }
    }
}
