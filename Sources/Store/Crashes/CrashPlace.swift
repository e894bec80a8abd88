import Catalog
import CrashAnalysis
public import Model
import Pack
import Terminal

/// The place of a crash in a session's logs.
public struct CrashPlace: Sendable {
    /// The crash's id.
    public let crash: String
    /// When it happened, in milliseconds since 1970.
    public let time: Int64?
    /// The member that holds the crash report.
    public let member: String?
    /// The report's offset in the member, in bytes.
    public let offset: UInt64?

    /// The times, in milliseconds since 1970, that are at most `span` milliseconds from the crash; nil if its time is
    /// not known.
    public func window(within span: Int64) -> ClosedRange<Int64>? {
        guard let time else { return nil }
        // The time comes from the container and may be any number.
        let (low, under) = time.subtractingReportingOverflow(span)
        let (high, over) = time.addingReportingOverflow(span)
        return (under ? .min : low)...(over ? .max : max(low, high))
    }
}

extension SessionPack {
    /// The member that a crash was found in: the last one with its path, as an extraction would leave it; nil if there
    /// is none. The record does not name the artifact: `isInSeveral` says that several artifacts have such a member.
    public func member(of place: CrashPlace) -> (index: Int, isInSeveral: Bool)? {
        let path = Array((place.member ?? "").utf8)
        let members = reader.members
        let found = members.indices.filter { members[$0].path == path && !members[$0].flags.contains(.shadowed) }
        guard let last = found.last else { return nil }
        return (last, Set(found.map { members[$0].artifact }).count > 1)
    }
}

extension Store {
    /// Finds the place of a crash of a session by the crash's id, a prefix of the id, or `last`.
    ///
    /// - Throws: ``StoreError`` when none matches, or several do; `CatalogError` or `LiveFailure`.
    public func place(ofCrash text: String, in session: SessionRecord) throws -> CrashPlace {
        var places = try catalog().crashes(Selection(sessions: [session.session])).map { row in
            let crash = StoredCrash(row)
            return CrashPlace(
                crash: row.crash, time: row.time, member: crash.record?.member, offset: crash.record?.memberOffset)
        }
        places += try followedCrashes(of: session).map { record in
            CrashPlace(
                crash: record.crash, time: record.time.flatMap { TimeText.parse($0, now: TimeText.now()) },
                member: record.member, offset: record.memberOffset)
        }
        let found = text == "last" ? Array(places.prefix(1)) : places.filter { $0.crash.hasPrefix(text) }
        guard let place = found.first else {
            let known = places.prefix(3).map(\.crash).joined(separator: ", ")
            throw StoreError(
                .crashNotFound, "the session has no crash '\(text)'", session: session.session,
                hint: places.isEmpty ? "salvage show \(session.session)" : "it has: \(known)", kind: .notFound)
        }
        if found.count > 1 {
            throw StoreError(
                .ambiguousCrash, "'\(text)' matches \(found.count) crashes", session: session.session,
                hint: "use a longer prefix: " + found.prefix(3).map(\.crash).joined(separator: ", "), kind: .invalid)
        }
        return place
    }
}
