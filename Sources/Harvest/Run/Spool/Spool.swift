import Files
import FoundationEssentials
import Glibc
import Ingest
import Live
import Model
import Pack
import SalvageConfiguration
import Text

/// The folder of downloads that are not in a pack yet: `spool/<escaped session>/`.
///
/// Each folder has a `session.json` with the session's metadata, and its downloads. A download's name is the artifact's
/// escaped name, the time it began, so that no try overwrites another, and an ending: `.part` while it arrives,
/// `.complete` or `.cut` once it is synced. Recovery needs nothing else.
struct Spool: Sendable {
    /// The content of `session.json`.
    struct Manifest: Codable, Sendable {
        var facts: SessionMetadata
        var artifacts: [String]
    }

    /// The downloads that an interrupted run left of one session.
    struct Leftovers: Sendable {
        var folder: String
        var manifest: Manifest
        var files: [SpooledFile]
    }

    static let manifestName = "session.json"
    /// The folder of quarantined downloads. Starts with a dot, as no escaped session id does.
    static let quarantineName = ".quarantine"

    /// The folder of files that belong to no known session. Starts with a dot, too.
    static let asideName = ".aside"

    let folder: String
    let liveRoot: String
    /// Folders that could not be read. Their content is unknown: this run removes nothing in them and settles none of
    /// their sessions.
    let unread = UnreadFolders()
    /// Downloads that are packed or not needed but could not be removed yet.
    let letGo = SharedNames()

    init(store: String) {
        folder = store + "/spool"
        liveRoot = store + "/live"
    }

    func folder(of key: String) -> String { folder + "/" + PackPath.escaped(key) }

    /// Returns the path of a download while it arrives; `time` is in milliseconds since 1970.
    func arriving(_ key: String, _ artifact: String, at time: Int64) -> String {
        "\(folder(of: key))/\(PackPath.escaped(artifact)).\(time).part"
    }

    /// Creates and syncs a session's folder and manifest, before its first byte arrives.
    func prepare(_ key: String, _ manifest: Manifest) throws {
        let path = folder(of: key)
        try Folders.make(folder)
        // makeFolder does not follow a symbolic link of that name.
        _ = try OpenFolder(path: folder).makeFolder(PackPath.escaped(key))
        try writeManifest(manifest, in: path)
        try Folders.sync(path)
        try Folders.sync(folder)
    }

    /// Writes a folder's manifest atomically.
    func writeManifest(_ manifest: Manifest, in path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = [UInt8](try encoder.encode(manifest))
        let name = path + "/" + Spool.manifestName
        try Replacement.write(bytes, to: name, syncsFolder: false)
    }

    /// Gives a finished download its final name; returns its path.
    func keep(_ arriving: String, complete: Bool) throws -> String {
        let name = arriving.dropLast(".part".count) + (complete ? ".complete" : ".cut")
        guard rename(arriving, String(name)) == 0 else { throw FileFailure.last("rename", arriving) }
        try Folders.sync(Folders.split(String(name)).folder)
        return String(name)
    }

    /// Removes files that are packed or not needed. One that cannot be removed is recorded in ``letGo``, so that
    /// dropping its folder later does not take it for unpacked.
    func remove(_ paths: [String]) {
        for path in paths {
            do throws(FileFailure) {
                if let (folder, name) = try place(of: path) { try folder.remove(name) }
                letGo.remove([path])
            } catch {
                if error.isAbsence { letGo.remove([path]) } else { letGo.insert(path) }
            }
        }
    }

    /// Returns the session's folder that contains a file, opened without following links, and the file's name.
    private func place(of path: String) throws(FileFailure) -> (OpenFolder, String)? {
        for root in [folder, liveRoot] where path.hasPrefix(root + "/") {
            let parts = path.utf8.dropFirst(root.utf8.count + 1).split(separator: UInt8(ascii: "/"))
            guard parts.count == 2 else { break }
            return (
                try OpenFolder(path: root).folder(String(decoding: parts[0], as: UTF8.self)),
                String(decoding: parts[1], as: UTF8.self)
            )
        }
        return nil
    }
}
