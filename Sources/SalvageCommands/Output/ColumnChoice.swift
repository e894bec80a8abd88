import Terminal
import Text

/// Finds the columns that `--columns` names.
enum ColumnChoice {
    /// The indices of the named columns, in the order of the names; nil if there are no names. A name is a JSON field or a
    /// heading, in any letter case. Throws a usage error for a name that no column has.
    static func indices(_ names: [String], of columns: [Column]) throws(Failure) -> [Int]? {
        if names.isEmpty { return nil }
        var indices: [Int] = []
        for name in names {
            guard let index = columns.firstIndex(where: { $0.isNamed(name) }) else {
                throw Failure.usage(
                    "there is no column '\(Escape.display(name))' here",
                    hint: "columns: " + columns.map(\.key).joined(separator: ","), code: "unknown_column")
            }
            if !indices.contains(index) { indices.append(index) }
        }
        return indices
    }
}
