/// Why a file of tokens cannot be used.
public struct TokenFileError: Error, Sendable {
    /// What is wrong with it.
    public let message: String
    /// The file.
    public let path: String
    /// What to do.
    public let hint: String?

    init(path: String, _ what: String, hint: String?) {
        message = "the token file \(what)"
        self.path = path
        self.hint = hint
    }
}
