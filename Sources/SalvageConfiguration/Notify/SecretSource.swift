import Files
import Glibc

/// Where a secret is: a file that only its owner may read, or a variable of the environment. The secret itself is never
/// in the configuration, an error or a log.
public enum SecretSource: Sendable, Equatable, CustomStringConvertible {
    /// A file.
    case file(String)
    /// A variable.
    case variable(String)

    /// Its name; never the secret.
    public var description: String {
        switch self {
        case .file(let path): path
        case .variable(let name): "the variable \(name)"
        }
    }

    /// Reads the secret: one line of printable ASCII, without the white space around it. Each call reads the file again,
    /// so that a replaced secret takes effect.
    ///
    /// - Parameter environment: the program's environment; `CREDENTIALS_DIRECTORY` says which files are credentials of
    ///   systemd.
    /// - Throws: ``ConfigurationError`` with `secretMissing`; with `secretUnreadable` when this user may not read the
    ///   file; or with `secretRefused` for a file that others may read, that is not a regular file, or that has no usable
    ///   secret.
    public func read(_ environment: [String: String]) throws(ConfigurationError) -> String {
        switch self {
        case .variable(let name):
            guard let text = environment.value(name) else {
                throw ConfigurationError(
                    .secretMissing, "the variable \(name) is not set", hint: "set it for the process that runs salvage")
            }
            return try usable(text, nil)
        case .file(let path):
            let isCredential = environment.value("CREDENTIALS_DIRECTORY").map { path.hasPrefix($0 + "/") } ?? false
            return try usable(content(of: path, isCredential), path)
        }
    }

    private func content(of path: String, _ isCredential: Bool) throws(ConfigurationError) -> String {
        let bytes: [UInt8]
        let refusal: (why: String, hint: String)?
        do throws(FileFailure) {
            (bytes, refusal) = try APIToken.secret(in: path, isCredential: isCredential)
        } catch {
            if error.isAbsence {
                throw ConfigurationError(
                    .secretMissing, "the secret file does not exist", path: path,
                    hint: "write the secret into it with mode 0600, or correct its name in the configuration")
            }
            throw ConfigurationError(
                error.errno == EACCES || error.errno == EPERM ? .secretUnreadable : .secretRefused,
                "the secret file cannot be read: \(error.reason)", path: path,
                hint: "check the name, the owner and the mode; it must belong to the user who runs salvage")
        }
        if let refusal {
            throw ConfigurationError(
                .secretRefused, "the secret file \(refusal.why)", path: path,
                hint: refusal.hint.replacing("token", with: "secret"))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(
                .secretRefused, "the secret file is not UTF-8 text", path: path,
                hint: "write the secret into it and nothing else")
        }
        return text
    }

    private func usable(_ text: String, _ path: String?) throws(ConfigurationError) -> String {
        var secret = Substring(text)
        while let last = secret.last, last.isWhitespace { secret = secret.dropLast() }
        while let first = secret.first, first.isWhitespace { secret = secret.dropFirst() }
        guard !secret.isEmpty, secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ConfigurationError(
                .secretRefused,
                "the secret in \(self) "
                    + (secret.isEmpty ? "is empty" : "contains a space, control or non-ASCII character"),
                path: path, hint: "write the secret into it and nothing else")
        }
        return String(secret)
    }
}

extension ConfigurationError.Code {
    /// A secret's file or variable does not exist.
    public static let secretMissing = Self(rawValue: "secret_missing")
    /// A secret's file is accessible to others than its owner, or contains no usable secret.
    public static let secretRefused = Self(rawValue: "secret_refused")
    /// The user who runs salvage has no permission to read a secret's file.
    public static let secretUnreadable = Self(rawValue: "secret_unreadable")
}
