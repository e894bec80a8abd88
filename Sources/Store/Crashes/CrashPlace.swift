import Catalog
import CrashAnalysis
public import Model
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
