import Model
import Pack

/// A second pack of a session, whose content no query finds.
package enum SecondPack {
    /// The hint that says how to merge both packs.
    ///
    /// - Parameter path: relative to the store.
    package static func hint(_ path: String, of session: String) -> String {
        if PackPath.generation(of: path) != nil {
            return "a harvester's next sweep of the bucket compares both, and deletes this one if the other has all of "
                + "it"
        }
        let next = "the session's next ingest or harvest merges it: salvage ingest --session SESSION FILE"
        guard !PackPath.isPlace(path, of: session) else { return next }
        let name = PackPath.second(PackPath.fileName(session: session), 1)
        return "rename it to \(name), in the folder of a day that has no file with that name; then " + next
    }
}
