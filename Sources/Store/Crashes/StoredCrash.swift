public import Catalog
import CrashAnalysis
import FoundationEssentials
public import Model

/// A crash in the catalog, with its record if that could be read.
public struct StoredCrash: Sendable {
    /// The catalog's columns.
    public let row: CrashRow
    /// The record; nil if a later version wrote it in another form.
    public let record: CrashRecord?

    /// Decodes the row's record.
    public init(_ row: CrashRow) {
        self.row = row
        record = try? JSONDecoder().decode(CrashRecord.self, from: Data(row.json))
    }

    /// The record with the catalog's facts about the session, which may be newer than the record's; nil without a
    /// record.
    public var current: CrashRecord? {
        guard var record else { return nil }
        record.crash = row.crash
        record.session = row.session
        record.image = row.image.isEmpty ? record.image : row.image
        record.tag = row.tag ?? record.tag
        record.location = row.location ?? record.location
        return record
    }
}

/// A crash as it is listed: from a pack, or from the followed log of a session that has no pack yet.
public enum ListedCrash: Sendable {
    /// A crash in the catalog.
    case stored(StoredCrash)
    /// A crash in a followed log; its record may still change.
    case followed(CrashRecord)
}

/// All that is known about one crash.
public struct CrashReport: Sendable {
    /// The crash.
    public let crash: ListedCrash
    /// Its earlier signatures.
    public let aliases: [String]
    /// The other crashes with its signature; nil if it is not in the catalog.
    public let signature: SignatureSummary?
}

extension Store {
    /// Calls `body` with each selected crash: those in the catalog, newest first, then those in followed logs. `body` must
    /// not use this store.
    ///
    /// - Throws: `CatalogError`, `LiveFailure` after all other crashes, or what the closure throws.
    public func forEachCrash(_ selection: Selection, _ body: (ListedCrash) throws -> Void) throws {
        let selection = try selected(selection)
        try catalog().forEachCrash(selection) { try body(.stored(StoredCrash($0))) }
        try forEachFollowedCrash(selection) { try body(.followed($0)) }
    }

    /// Returns the crashes that `name` means: a crash by its id or a unique prefix, or all crashes of a session.
    ///
    /// - Throws: `CatalogError` if no crash or session has the name; ``StoreError`` if several have.
    public func crashes(named name: String) throws -> [ListedCrash] {
        do {
            let rows = try catalog().crashes(named: name)
            guard rows.isEmpty else { return rows.map { .stored(StoredCrash($0)) } }
            return try followedCrashes(named: name).map { .followed($0) }
        } catch let error as CatalogError where error.code == .unknownSession {
            let followed = try followedCrashes(named: name)
            if followed.isEmpty { throw error }
            return followed.map { .followed($0) }
        }
    }

    /// Adds what the catalog knows about a crash.
    ///
    /// - Throws: `CatalogError`.
    public func report(on crash: ListedCrash) throws(CatalogError) -> CrashReport {
        guard case .stored(let stored) = crash else { return CrashReport(crash: crash, aliases: [], signature: nil) }
        let catalog = try catalog()
        return CrashReport(
            crash: crash, aliases: try catalog.aliases(ofCrash: stored.row.crash),
            signature: try catalog.signature(stored.row.signature))
    }

    /// The selected crashes grouped by signature, most crashes first. Crashes in followed logs are not counted.
    ///
    /// - Throws: `CatalogError`.
    public func topSignatures(_ selection: Selection) throws(CatalogError) -> [SignatureSummary] {
        try catalog().topSignatures(selection)
    }
}
