import Catalog
import Harvest
import Terminal

/// Paths of rules that exist in no session, as every command says them.
enum AbsentPathText {
    /// What a query over a store says: nothing where the configuration or the ledger cannot be read, which other
    /// commands report.
    static func find(in catalog: Catalog, _ options: GlobalOptions, _ selection: Selection = Selection()) throws
        -> [AbsentPath]
    {
        let configuration: Configuration
        do {
            configuration = try StoreAccess.configuration(options)
        } catch is HarvestError {
            // A store is also looked at where its configuration is not, or not yet right: doctor says so.
            return []
        }
        return try AbsentPath.find(in: catalog, by: configuration, selection: selection, now: TimeText.now())
    }

    /// One line of text, with the nearest path that is known.
    static func line(_ path: AbsentPath) -> String {
        path.message + (path.nearest.map { "; did you mean \($0)?" } ?? "")
    }

    /// The failure that standard error shows; with `--json` one object.
    static func failure(_ path: AbsentPath) -> Failure {
        Failure("path_absent", path.message, path: path.path, hint: path.hint)
    }

    /// The facts as one object.
    static func object(_ path: AbsentPath) -> JSONLine {
        var line = JSONLine()
        line.add("rule", path.rule)
        line.add("artifact", path.path)
        line.add("sessions", path.sessions)
        line.add("nearest", path.nearest)
        return line
    }
}
