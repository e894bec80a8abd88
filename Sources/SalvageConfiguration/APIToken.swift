import Files
import Glibc

/// The API token and its origin: `GAMEYE_API_TOKEN`, the systemd credential `token`, or `api.token_file`, in this
/// order. It is never a flag, which every user of the machine could read, and never in the configuration itself.
///
/// The credential takes precedence over the file: a service with a credential runs as a user who cannot read the file
/// the credential was made from. A source without a token is skipped. A source with an unreadable or unusable token is
/// an error, so that salvage never sends a token other than the intended one.
public struct APIToken: Sendable, CustomStringConvertible {
    /// Where the token was found: a variable name or a path. Safe to print.
    public let origin: String
    private let secret: String

    private init(origin: String, secret: String) {
        self.origin = origin
        self.secret = secret
    }

    /// The token, for the request header only. Never print it.
    public var value: String { secret }

    /// The origin; the token is never part of a description.
    public var description: String { "token from \(origin)" }

    /// Finds the token. Each call reads the file again, so that a replaced token takes effect.
    ///
    /// - Throws: ``ConfigurationError`` with `tokenMissing`; with `tokenUnreadable` when this user may not read the file; or
    ///   with `tokenRefused` for a file that is readable by others than its owner, is not a regular file, or contains
    ///   no usable token.
    public static func find(_ configuration: Configuration, environment: [String: String]) throws(ConfigurationError)
        -> APIToken
    {
        if let text = environment.value("GAMEYE_API_TOKEN") {
            return APIToken(origin: "GAMEYE_API_TOKEN", secret: try usable(text, "GAMEYE_API_TOKEN"))
        }
        if let folder = environment.value("CREDENTIALS_DIRECTORY"),
            let token = try read(folder + "/token", systemd: true)
        {
            return token
        }
        if let path = configuration.api.tokenFile {
            guard let token = try read(path, systemd: false) else {
                return try refuse(
                    path, "does not exist", "write the token into it with mode 0600, or correct api.token_file")
            }
            return token
        }
        throw ConfigurationError(
            .tokenMissing, "no API token was found",
            hint: "set GAMEYE_API_TOKEN, a systemd credential named token, or api.token_file in the configuration")
    }

    /// Finds the token for another salvage's server: in a file, if one is named, else in a variable.
    ///
    /// - Throws: ``ConfigurationError`` as ``find(_:environment:)`` does.
    public static func forServer(
        file: String?, variable: String, environment: [String: String]
    ) throws(ConfigurationError) -> APIToken {
        if let file {
            guard let token = try read(file, systemd: false) else {
                return try refuse(file, "does not exist", "write the token into it with mode 0600")
            }
            return token
        }
        guard let text = environment.value(variable) else {
            throw ConfigurationError(
                .tokenMissing, "no token for the server was found",
                hint: "set \(variable), or name a file that only you can read with --token-file")
        }
        return APIToken(origin: variable, secret: try usable(text, variable))
    }

    /// Reads the file of a secret, or says why it must not be used; then there are no bytes.
    static func secret(
        in path: String, isCredential: Bool
    ) throws(FileFailure) -> (bytes: [UInt8], refusal: (why: String, hint: String)?) {
        switch try SecretFile.read(path, toleratesGroup: isCredential) {
        case .bytes(let bytes): (bytes, nil)
        case .refused(let why, let hint): ([], (why, hint.replacing("secret", with: "token")))
        }
    }

    /// Reads the token from a file; nil when the file does not exist.
    private static func read(_ path: String, systemd: Bool) throws(ConfigurationError) -> APIToken? {
        let bytes: [UInt8]
        let refusal: (why: String, hint: String)?
        do throws(FileFailure) {
            (bytes, refusal) = try APIToken.secret(in: path, isCredential: systemd)
        } catch {
            if error.isAbsence { return nil }
            if error.errno == EACCES || error.errno == EPERM { throw unreadable(path) }
            return try refuse(path, "cannot be read: \(error)", "check the name, the owner and the mode")
        }
        if let refusal { return try refuse(path, refusal.why, refusal.hint) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return try refuse(path, "is not UTF-8 text", "write the token into it and nothing else")
        }
        return APIToken(origin: path, secret: try usable(text, path))
    }

    private static func unreadable(_ path: String) -> ConfigurationError {
        var facts = stat()
        let owner = stat(path, &facts) == 0 ? "; it belongs to user id \(facts.st_uid)" : ""
        return ConfigurationError(
            .tokenUnreadable, "user id \(geteuid()) may not read the token file\(owner)", path: path,
            hint: "run as its owner, pass the token as a systemd credential (LoadCredential=token:\(path)), or chown "
                + "the file to the user who runs salvage")
    }

    private static func refuse(_ path: String, _ why: String, _ hint: String) throws(ConfigurationError) -> APIToken {
        throw ConfigurationError(.tokenRefused, "the token file \(why)", path: path, hint: hint)
    }

    private static func usable(_ text: String, _ origin: String) throws(ConfigurationError) -> String {
        var token = Substring(text)
        while let last = token.last, last.isWhitespace { token = token.dropLast() }
        while let first = token.first, first.isWhitespace { token = token.dropFirst() }
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ConfigurationError(
                .tokenRefused,
                token.isEmpty ? "the token is empty" : "the token contains a space, control or non-ASCII character",
                path: origin, hint: "write the token into it and nothing else")
        }
        return String(token)
    }
}
