import Catalog
import CrashAnalysis
import Files
import Pack

/// Names a file with symbols alike in the bucket of a shared store, in its catalog and in the local copies.
struct SymbolName: Hashable {
    /// The GNU build id in lower case, the Breakpad debug id, or the digest of a program's first page.
    let identity: String
    /// What the file provides.
    let kind: SymbolStore.Entry.Kind
    /// The module's name, for a file that is found by it; empty for one with a GNU build id.
    let name: String

    /// Reads the name from the place of a file in a symbol store; nil for a file of no known layout.
    init?(_ entry: SymbolStore.Entry, in store: SymbolStore) {
        let parts = entry.path.utf8.dropFirst(store.root.utf8.count + 1).split(separator: UInt8(ascii: "/"))
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3 else { return nil }
        identity = entry.identity
        kind = entry.kind
        switch (parts[0], entry.kind) {
        case (".build-id", .executable), (".build-id", .debug): name = ""
        case (".by-name", .executable), (_, .breakpad): name = entry.kind == .breakpad ? parts[0] : parts[1]
        default: return nil
        }
    }

    /// Reads the name from a row of the catalog; nil for one of a kind that this version does not know.
    init?(_ row: SymbolRow) {
        guard let kind = SymbolStore.Entry.Kind(rawValue: row.kind) else { return nil }
        self.kind = kind
        identity = row.identity
        name = row.name
    }

    /// The object's key, relative to the store's prefix. Build ids have debuginfod's paths, so that a public bucket serves
    /// debuggers, and Breakpad's files those of its symbol servers.
    var key: String {
        let escaped = PackPath.escaped(name)
        switch kind {
        case .executable where name.isEmpty: return "symbols/buildid/\(identity)/executable"
        case .executable: return "symbols/byname/\(escaped)/\(identity)/executable"
        case .debug: return "symbols/buildid/\(identity)/debuginfo"
        case .breakpad:
            let stem = name.hasSuffix(".pdb") ? String(name.dropLast(4)) : name
            return "symbols/breakpad/\(escaped)/\(identity)/\(PackPath.escaped(stem)).sym"
        }
    }

    /// Where a symbol store has the file; nil for an identity or a name that could lead out of it.
    func path(in store: SymbolStore) -> String? {
        switch kind {
        case .executable where !name.isEmpty: store.path(name: name, firstPage: identity)
        case .executable, .debug: store.path(buildID: identity, kind: kind)
        case .breakpad: store.breakpadPath(debugFile: name, debugID: identity)
        }
    }

    /// The other file of a build, which may be the same one.
    var twin: SymbolName? {
        guard name.isEmpty, kind != .breakpad else { return nil }
        return SymbolName(identity: identity, kind: kind == .debug ? .executable : .debug)
    }

    private init(identity: String, kind: SymbolStore.Entry.Kind) {
        self.identity = identity
        self.kind = kind
        name = ""
    }
}
