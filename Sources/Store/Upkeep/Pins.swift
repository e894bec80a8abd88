import Catalog
import Clocks
public import Model
import Pack
import Text

/// The sessions that prune must keep, as they were when this was read.
///
/// An embedded store has a file for each (``PinFolder``), a shared one a row of its catalog.
struct Pins {
    /// The ids in a shared store, the names of the files in an embedded one.
    private let names: ByteSet
    private let areEscaped: Bool

    /// Reads the pins of the store that a catalog belongs to. Only a missing folder or an empty table means that there are
    /// none: if one that cannot be read meant that too, prune would remove pinned sessions.
    ///
    /// - Throws: `FileFailure` or `CatalogError` when the pins cannot be read now.
    init(_ catalog: Catalog) throws {
        areEscaped = !catalog.isShared
        if areEscaped {
            names = ByteSet(try PinFolder(store: catalog.store).names())
        } else {
            names = ByteSet(try catalog.pins().map(\.session))
        }
    }

    func holds(_ session: String) -> Bool { names.contains(areEscaped ? PackPath.escaped(session) : session) }
}

extension Store {
    /// The pins as they are now.
    ///
    /// - Throws: `FileFailure` or `CatalogError` when they cannot be read now.
    func pins() throws -> Pins { try Pins(try catalog()) }

    /// Calls `body` with each pinned session. `body` must not use this store.
    ///
    /// - Throws: `CatalogError`, `FileFailure` if the pins cannot be read now, or what the closure throws.
    public func forEachPinnedSession(_ body: (SessionRecord) throws -> Void) throws {
        let pins = try pins()
        try catalog().forEachSession { session in
            if pins.holds(session.session) { try body(session) }
        }
    }

    /// Exempts sessions from the retention rules, or no longer. Nothing changes if one of the sessions does not exist.
    ///
    /// - Parameters:
    ///   - ids: ids of sessions or unique prefixes.
    ///   - isPinned: whether the sessions are pinned or unpinned.
    ///   - author: who pins them; only a shared store records it.
    ///   - done: takes the id of each session once it is pinned or unpinned.
    /// - Throws: `CatalogError`, ``StoreError`` with `pinFailed`, or what the closure throws.
    public func setPinned(
        _ ids: [String], _ isPinned: Bool, by author: String? = nil, done: (String) throws -> Void
    ) throws {
        let catalog = try catalog()
        guard catalog.isShared else {
            let folder = PinFolder(store: path)
            // A folder that cannot be listed now would not be read by prune either.
            _ = try folder.names()
            for id in try ids.map({ try catalog.resolve($0) }) {
                try isPinned ? folder.add(id) : folder.remove(id)
                try done(id)
            }
            return
        }
        let sessions = try ids.map { try catalog.resolve($0) }
        let writer = try catalogForWriting()
        let now = WallClock.now()
        try isPinned
            ? writer.pin(sessions.map { PinRow(session: $0, at: now, by: author) }) : writer.unpin(sessions)
        for session in sessions { try done(session) }
    }
}
