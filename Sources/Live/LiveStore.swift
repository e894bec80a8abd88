internal import FoundationEssentials
public import Model
import Pack
import Text

/// A session whose log is, or was, followed.
public struct LiveSession: Sendable {
    /// The folder of its log.
    public var folder: String
    /// What was known about it when it was first seen.
    public var facts: SessionMetadata
}

/// The followed logs of a store.
public enum LiveStore {
    /// The file that says whose log a folder holds.
    public static let manifestName = "session.json"
    private static let largestManifest = 1 << 22

    /// The folder of all followed logs.
    public static func root(_ store: String) -> String { store + "/live" }

    /// The folder of one session's log, whether or not it exists.
    public static func folder(_ store: String, session: String) -> String {
        root(store) + "/" + PackPath.escaped(session)
    }

    /// Whether there is a log of a session.
    ///
    /// - Throws: ``LiveFailure`` when that cannot be determined now.
    public static func isHeld(_ store: String, session: String) throws(LiveFailure) -> Bool {
        try isHeld(folder: folder(store, session: session))
    }

    /// Whether a folder holds a log.
    ///
    /// - Throws: ``LiveFailure`` when that cannot be determined now.
    public static func isHeld(folder: String) throws(LiveFailure) -> Bool {
        !LiveName.generations(try LiveFile.names(in: folder)).isEmpty
    }

    /// Every session with a log, in order of their ids.
    ///
    /// - Throws: ``LiveFailure`` when the folder cannot be listed now.
    public static func sessions(_ store: String) throws(LiveFailure) -> [LiveSession] {
        var found: [LiveSession] = []
        for name in try LiveFile.names(in: root(store)) {
            let folder = root(store) + "/" + name
            guard let facts = try facts(folder), PackPath.escaped(facts.session) == name else { continue }
            found.append(LiveSession(folder: folder, facts: facts))
        }
        return found.sorted { $0.facts.session.precedesInBytes($1.facts.session) }
    }

    private struct Manifest: Decodable {
        var facts: SessionMetadata
    }

    /// The session whose log a folder holds; nil when it does not say, as it may be another kind of folder.
    private static func facts(_ folder: String) throws(LiveFailure) -> SessionMetadata? {
        let bytes: [UInt8]
        do throws(LiveFailure) {
            let file = try LiveFile(folder + "/" + manifestName)
            let size = try file.size
            guard size < UInt64(largestManifest) else { return nil }
            bytes = try file.read(at: 0, count: Int(size))
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
        return try? JSONDecoder().decode(Manifest.self, from: Data(bytes)).facts
    }
}
