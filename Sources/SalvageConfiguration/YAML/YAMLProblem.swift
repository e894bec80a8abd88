/// Why a text cannot be used as a YAML document, and where.
package struct YAMLProblem: Error, Sendable, Equatable {
    /// The line, counted from 1.
    package var line: Int
    /// The column, in Unicode scalars, counted from 1; nil when the whole line is meant.
    package var column: Int?
    /// What is wrong, worded to follow the file's name.
    package var message: String
    /// What to do about it.
    package var fix: String
}
