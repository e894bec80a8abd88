import Catalog
import Harvest
import Model
import SalvageConfiguration
import Store
import Terminal

/// Reports rule paths that exist in no session, in the same words for every command.
enum AbsentPathText {
    /// The absent paths of a store, for a query; none when the configuration is invalid, which `doctor` reports.
    ///
    /// - Throws: an error of the catalog.
    static func find(
        in store: Store, _ options: GlobalOptions, _ selection: Selection = Selection()
    ) throws -> [AbsentPath] {
        let configuration: Configuration
        do {
            configuration = try StoreAccess.configuration(options)
        } catch is ConfigurationError {
            // A store can be queried where its configuration is missing or invalid.
            return []
        }
        return try store.absentPaths(configuration, selection, now: TimeText.now())
    }

    /// One line of text, with the nearest known path.
    static func line(_ path: AbsentPath) -> String {
        path.message + (path.nearest.map { "; did you mean \($0)?" } ?? "")
    }

    /// The warning for standard error.
    static func failure(_ path: AbsentPath) -> Failure {
        Failure("path_absent", path.message, path: path.path, hint: path.hint)
    }
}
