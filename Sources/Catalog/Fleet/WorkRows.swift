internal import JSON
import Text

/// A harvester of a shared store, as one start of its process. Leases belong to a start, not to a machine: a process that
/// starts again knows nothing of the leases of the one before.
public struct HarvesterName: Sendable, Equatable {
    /// The machine's name among the harvesters.
    public var id: String
    /// The number of the start, larger for each one.
    public var start: Int64

    /// Creates a name.
    public init(id: String, start: Int64) {
        self.id = id
        self.start = start
    }

    /// The name in leases. The number comes first, so that an id may contain any character.
    public var owner: String { "\(start)/\(id)" }

    /// The name of somebody who claims a session by hand, not to harvest it.
    ///
    /// - Parameter id: who it is, for people; another one for each process.
    public init(byHand id: String) { self.init(id: id, start: 0) }

    /// Whether the owner of a claim has claimed it by hand. No harvester's start has the number 0.
    static func isByHand(_ owner: String) -> Bool { owner.utf8.starts(with: "0/".utf8) }

    /// The SQL condition that the owner in a column has claimed by hand.
    static func isByHand(in column: String) -> String { "\(column) LIKE '0/%'" }

    /// The SQL expression for the id in a column with such a name.
    static func id(in column: String) -> String { "substr(\(column), strpos(\(column), '/') + 1)" }
}

/// A session that ended, for whichever harvester claims it.
public struct WorkOffer: Sendable, Equatable {
    /// The ledger's key of the session.
    public var session: String
    /// When its container is expected to be gone, in milliseconds since 1970.
    public var deadline: Int64
    /// Whether it looks crashed: such a session is claimed first.
    public var crashed: Bool
    /// What the harvester that claims it needs to know, as text that the catalog does not read.
    public var facts: String

    /// Creates an offer.
    public init(session: String, deadline: Int64, crashed: Bool = false, facts: String) {
        self.session = session
        self.deadline = deadline
        self.crashed = crashed
        self.facts = facts
    }

    /// Creates what claims a session by hand. Without a harvester's offer, the session is not to be fetched.
    public init(byHand session: String) {
        self.init(session: session, deadline: .max, facts: Self.byHand)
    }

    /// The facts of a session that only somebody has claimed by hand.
    static let byHand = #"{"byHand":true}"#
}

/// A claimed session: until its lease ends, no other harvester works on it.
public struct ClaimedWork: Sendable, Equatable {
    /// The ledger's key of the session.
    public var session: String
    /// The number of this claim; see ``WorkFence/epoch``.
    public var epoch: Int64
    /// When its container is expected to be gone, in milliseconds since 1970.
    public var deadline: Int64
    /// How often it was claimed, this time included.
    public var tries: Int
    /// What the harvester that offered it knew.
    public var facts: String

    /// Whether no harvester has offered the session: somebody had claimed it by hand and ended without ending the claim.
    public var isByHand: Bool { facts.hasSameBytes(as: WorkOffer.byHand) }

    /// Creates a claim.
    public init(session: String, epoch: Int64, deadline: Int64, tries: Int = 1, facts: String) {
        self.session = session
        self.epoch = epoch
        self.deadline = deadline
        self.tries = tries
        self.facts = facts
    }
}

/// What a write about a claimed session must still be true for: the claim. A harvester that was stopped for longer than its
/// lease does not know that another one has the session now; the database does.
public struct WorkFence: Sendable, Equatable {
    /// The ledger's key of the session.
    public var session: String
    /// Who claimed it; see ``HarvesterName/owner``.
    public var owner: String
    /// The number of the claim, larger than those of all earlier claims of the session.
    public var epoch: Int64

    /// Creates a fence.
    public init(session: String, owner: String, epoch: Int64) {
        self.session = session
        self.owner = owner
        self.epoch = epoch
    }
}

extension CatalogError.Code {
    /// The lease of a session ended and another harvester may have it: nothing was written.
    public static let leaseLost = CatalogError.Code(rawValue: "lease_lost")
}

extension CatalogError {
    /// The error for a write whose claim does not hold any more.
    static func fenced(_ fence: WorkFence, path: String) -> CatalogError {
        CatalogError(
            code: .leaseLost,
            message: "the lease of session \(fence.session) was lost (claim \(fence.epoch) of \(fence.owner)): "
                + "nothing was recorded",
            path: path, session: fence.session,
            hint: "its downloads stay in this machine's spool and are offered again; if this happens often, raise "
                + "store.harvester.lease, or look for a stopped process or a slow connection to the catalog")
    }
}

/// SQL of the shared catalog. It runs on PostgreSQL only.
enum FleetSQL {
    /// A time span in a placeholder with milliseconds.
    static func milliseconds(_ placeholder: String) -> String {
        "CAST(\(placeholder) AS double precision) * interval '1 millisecond'"
    }

    /// The current time by the database, in milliseconds since 1970.
    static let now = milliseconds(since1970: "clock_timestamp()")

    /// A time as milliseconds since 1970.
    static func milliseconds(since1970 time: String) -> String {
        "CAST(floor(extract(epoch FROM \(time)) * 1000) AS bigint)"
    }

    /// The epoch of a new claim, after the one in a column.
    static func epoch(after column: String) -> String { "greatest(\(column) + 1, \(now))" }

    /// The texts of a JSON array in a placeholder, as a subquery for `IN`.
    static func texts(_ placeholder: String) -> String {
        "(SELECT json_array_elements_text(CAST(\(placeholder) AS json)))"
    }

    /// Texts as a JSON array: any number of them in one placeholder, and so in one round trip.
    static func array(_ texts: some Sequence<String>) -> String {
        var line = JSONLine()
        line.add("a", Array(texts))
        // The writer makes objects; the array is what follows `{"a":`.
        return String(decoding: line.utf8.dropFirst(5).dropLast(), as: UTF8.self)
    }

    /// Objects as a JSON array.
    static func array(_ objects: [JSONLine]) -> String {
        String(decoding: JSONLine.array(objects), as: UTF8.self)
    }

    /// Offers as a JSON array, each session once: a statement may change a row only once.
    static func offers(_ offers: [WorkOffer]) -> String {
        let latest = ByteDictionary(offers.map { ($0.session, $0) }, uniquingKeysWith: { $1 })
        return array(
            latest.sortedByKey.map { _, offer in
                var line = JSONLine()
                line.add("session", offer.session)
                line.add("priority", offer.crashed ? 1 : 0)
                line.add("deadline", offer.deadline)
                line.add("facts", offer.facts)
                return line
            })
    }

    /// The offers in a placeholder as rows `r`.
    static func offered(_ placeholder: String) -> String {
        """
        json_to_recordset(CAST(\(placeholder) AS json))
            AS r(session text, priority smallint, deadline bigint, facts text)
        """
    }

    /// The columns of a claim, in the order of ``claim(_:)``.
    static let claimColumns = "w.session, w.epoch, w.deadline, w.tries, w.facts"

    /// Reads a claim.
    static func claim(_ row: any SQLStatement) -> ClaimedWork {
        ClaimedWork(
            session: row.text(0), epoch: row.integer(1), deadline: row.integer(2), tries: Int(clamping: row.integer(3)),
            facts: row.text(4))
    }
}

extension FleetSQL {
    /// Fences as a JSON array.
    static func fences(_ fences: [WorkFence]) -> String {
        array(
            fences.map { fence in
                var line = JSONLine()
                line.add("session", fence.session)
                line.add("owner", fence.owner)
                line.add("epoch", fence.epoch)
                return line
            })
    }

    /// The fences in a placeholder as rows `f`.
    static func fenced(_ placeholder: String) -> String {
        "json_to_recordset(CAST(\(placeholder) AS json)) AS f(session text, owner text, epoch bigint)"
    }

    /// The condition that the claim of row `f` holds.
    static let holds = "w.session = f.session AND w.owner = f.owner AND w.epoch = f.epoch"
}
