internal import FoundationEssentials
public import Pack
import Text

/// A session whose log is, or was, followed.
public struct LiveSession: Sendable {
    /// Where its log lies.
    public var folder: String
    /// What was known of it when it was first seen.
    public var facts: SessionFacts
}

/// The followed logs of a store.
public enum LiveStore {
    /// Names whose log a folder holds.
    public static let manifestName = "session.json"
    private static let largestManifest = 1 << 22

    /// Where the logs lie.
    public static func root(_ store: String) -> String { store + "/live" }

    /// Where the log of one session lies, whether or not there is one.
    public static func folder(_ store: String, session: String) -> String {
        root(store) + "/" + PackPath.escaped(session)
    }

    /// Whether there is a log of a session.
    ///
    /// - Throws: ``LiveFailure`` when that cannot be told now.
    public static func isHeld(_ store: String, session: String) throws(LiveFailure) -> Bool {
        try isHeld(folder: folder(store, session: session))
    }

    /// Whether a folder holds a log.
    ///
    /// - Throws: ``LiveFailure`` when that cannot be told now.
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
        var facts: SessionFacts
    }

    /// Whose log a folder holds; nil where it does not say, and may be another kind of folder.
    private static func facts(_ folder: String) throws(LiveFailure) -> SessionFacts? {
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
