public import Catalog
public import CrashAnalysis
import Files
import Model
import Text

/// The symbols of a shared store: listed in its catalog, stored in its bucket, copied to this machine when a crash needs
/// them.
struct SharedSymbols: SymbolOrigin {
    let catalog: Catalog
    let cache: SymbolCache

    func present(among identities: Set<String>) throws -> Set<String> {
        let known = Set(try catalog.symbols(of: Self.spellings(identities)).map(\.identity))
        return identities.filter { known.contains($0) || known.contains($0.lowercased()) }
    }

    func fetch(for records: [CrashRecord]) -> FetchedSymbols {
        var wanted: [String] = []
        for record in records { wanted += record.symbolIdentities }
        let rows: [SymbolRow]
        do throws(CatalogError) { rows = try catalog.symbols(of: Self.spellings(Set(wanted))) } catch {
            let reason = "the list of symbols cannot be read: \(error.message)"
            return FetchedSymbols(failures: [.init(identity: nil, place: error.path ?? "catalog", reason: reason)])
        }
        var held: [OpenFile] = []
        var failures: [FetchedSymbols.Failure] = []
        // Every other download would fail alike, after as many tries.
        var ended: SymbolFault?
        for row in Self.ordered(rows, by: wanted) {
            do throws(SymbolFault) {
                guard let file = try hold(row, downloads: ended == nil) else {
                    throw ended ?? SymbolFault("it may not be downloaded now")
                }
                held.append(file)
            } catch {
                if error.endsDownloads { ended = error }
                failures.append(.init(identity: row.identity, place: row.key, reason: error.reason))
            }
        }
        return FetchedSymbols(failures: failures, holding: held)
    }

    /// Opens the copy of a file; of a better one, if that has replaced it since the row was read.
    private func hold(_ row: SymbolRow, downloads: Bool) throws(SymbolFault) -> OpenFile? {
        do throws(SymbolFault) { return try cache.hold(row, downloads: downloads) } catch {
            guard !error.endsDownloads,
                let rows = try? catalog.symbols(of: [row.identity]),
                let now = rows.first(where: { $0.key.hasSameBytes(as: row.key) }), now != row
            else { throw error }
            return try cache.hold(now, downloads: downloads)
        }
    }

    /// GNU build ids are stored in lower case.
    private static func spellings(_ identities: Set<String>) -> Set<String> {
        identities.union(identities.map { $0.lowercased() })
    }

    /// The rows in the order in which their identities are wanted: those of the crashed thread's stack come first.
    private static func ordered(_ rows: [SymbolRow], by wanted: [String]) -> [SymbolRow] {
        var places: [String: Int] = [:]
        for (place, identity) in wanted.enumerated() {
            for spelling in [identity, identity.lowercased()] where places[spelling] == nil { places[spelling] = place }
        }
        return rows.enumerated().map { (places[$1.identity] ?? .max, $0, $1) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }
}

extension Store {
    /// This machine's copies of a shared store's symbols; nil for an embedded store.
    ///
    /// - Throws: ``StoreError`` if nothing says where the bucket is, or its settings or credentials are not valid.
    func symbolCache() throws(StoreError) -> SymbolCache? {
        guard let bucket = try bucket() else { return nil }
        return SymbolCache(
            bucket: bucket.client, local: path, limit: bucket.cache.symbols)
    }

    /// Has the symbols of which the local ``symbols`` are copies; nil for an embedded store.
    ///
    /// - Throws: `CatalogError` when the catalog cannot be opened, ``StoreError`` as ``bucket()`` does.
    package func symbolOrigin() throws -> (any SymbolOrigin)? {
        guard let cache = try symbolCache() else { return nil }
        return SharedSymbols(catalog: try catalog(), cache: cache)
    }

    /// All symbols of the store, as far as they can be listed now.
    ///
    /// - Throws: `CatalogError`, for a shared store.
    public func symbolSurvey() throws(CatalogError) -> SymbolStore.Survey {
        guard isShared else { return symbols.survey() }
        var survey = SymbolStore.Survey()
        survey.entries = try catalog().symbols().compactMap { row in
            SymbolName(row).map {
                SymbolStore.Entry(identity: $0.identity, kind: $0.kind, size: row.bytes, path: row.key)
            }
        }
        survey.entries.sort { ($0.identity, $0.kind.rawValue) < ($1.identity, $1.kind.rawValue) }
        return survey
    }
}
