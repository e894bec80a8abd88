import Catalog
import CrashAnalysis
import Model
import Pack
import Terminal

/// The place of a crash in a session's logs, for `logs --around`.
struct CrashPlace {
    let crash: String
    /// When it happened, in milliseconds since 1970.
    let time: Int64?
    /// The member that holds the crash report, and the report's offset in it, in bytes.
    let member: String?
    let offset: UInt64?

    /// Finds a crash of the session by its id, a prefix of the id, or `last`.
    ///
    /// - Throws: `Failure` when none matches, or several do.
    static func find(_ text: String, in session: SessionRecord, _ catalog: Catalog) throws -> CrashPlace {
        var places = try catalog.crashes(Selection(sessions: [session.session])).map { row in
            let view = CrashView(row)
            return CrashPlace(
                crash: row.crash, time: row.time, member: view.record?.member, offset: view.record?.memberOffset)
        }
        places += try LiveCrashes(store: catalog.store).records(of: session).map { record in
            CrashPlace(
                crash: record.crash, time: record.time.flatMap { TimeText.parse($0, now: TimeText.now()) },
                member: record.member, offset: record.memberOffset)
        }
        let found = text == "last" ? Array(places.prefix(1)) : places.filter { $0.crash.hasPrefix(text) }
        guard let place = found.first else {
            let known = places.prefix(3).map(\.crash).joined(separator: ", ")
            throw Failure(
                "crash_not_found", "the session has no crash '\(text)'", session: session.session,
                hint: places.isEmpty ? "salvage show \(session.session)" : "it has: \(known)", status: .nothingFound)
        }
        if found.count > 1 {
            throw Failure(
                "ambiguous_crash", "'\(text)' matches \(found.count) crashes", session: session.session,
                hint: "use a longer prefix: " + found.prefix(3).map(\.crash).joined(separator: ", "), status: .usage)
        }
        return place
    }
}
