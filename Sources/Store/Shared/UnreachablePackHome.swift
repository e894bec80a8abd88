import Files
import Pack
import PackHome

/// The packs of a shared store whose bucket is not known now: the catalog cannot be asked, or credentials are missing. Every
/// call says why; nothing is taken for absent.
struct UnreachablePackHome: PackHome {
    let location: String
    let reusesPaths = false
    private let error: PackError

    init(_ error: StoreError, location: String) {
        self.location = location
        // As an error of reading, which says nothing about a pack itself.
        self.error = PackError(.io, error.message, path: error.path, hint: error.hint, cause: error.code.rawValue)
    }

    func list() -> PackListing {
        var listing = PackListing()
        listing.troubles = [.init(path: PackPath.folder, message: error.message)]
        return listing
    }

    func presence(of path: String) -> PackPresence { .unknown(error) }

    func paths(of session: String, from first: String?) throws(PackError) -> [String] { throw error }

    func bytes(of path: String) throws(PackError) -> PackBytes { throw error }

    func localCopy(of path: String) throws(PackError) -> LocalPack { throw error }

    func prepare(_ path: String) throws(PackError) { throw error }

    func publish(_ file: String, as path: String) throws(PackError) { throw error }

    func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval { throw error }

    func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String { throw error }

    func removeUnfinished(writtenIn folder: OpenFolder) {}
}
