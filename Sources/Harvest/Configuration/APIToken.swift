import Glibc

/// Where the API token comes from: `GAMEYE_API_TOKEN`, the systemd credential `token`, or `api.token_file`, in this
/// order; never a flag, which every user of the machine could read, and never the configuration itself.
///
/// The credential outweighs the file, because a service that was given one runs as a user who may not read the file
/// that it was made from. A place that holds no token leaves the question to the next; one that holds a token that
/// cannot be read or used is an error, so that no other token than the intended one is sent.
public struct APIToken: Sendable, CustomStringConvertible {
    /// The place it was found in, fit to be printed.
    public let origin: String
    private let secret: String

    private init(origin: String, secret: String) {
        self.origin = origin
        self.secret = secret
    }

    /// The token itself, for the request header only.
    public var value: String { secret }

    /// The origin; the token is never part of a description.
    public var description: String { "token from \(origin)" }

    /// Finds the token. Call it again to see a file that was exchanged.
    ///
    /// - Throws: ``HarvestError`` with `tokenMissing`, with `tokenUnreadable` for a file that belongs to somebody else,
    ///   or with `tokenRefused` for a file that others than its owner may read, that is not a file, or that holds no
    ///   usable token.
    public static func find(_ configuration: Configuration, environment: [String: String]) throws(HarvestError)
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
        throw HarvestError(
            .tokenMissing, "no API token was found",
            hint: "set GAMEYE_API_TOKEN, or a systemd credential named token, or api.token_file in the configuration")
    }

    /// The token in a file; nil where there is no such file.
    private static func read(_ path: String, systemd: Bool) throws(HarvestError) -> APIToken? {
        let bytes: [UInt8]
        var refusal: (why: String, hint: String)?
        do throws(SystemFailure) {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { throw SystemFailure.last("open", path) }
            defer { close(descriptor) }
            var facts = stat()
            // The open file is asked, not the name, so that nobody can exchange it in between.
            guard fstat(descriptor, &facts) == 0 else { throw SystemFailure.last("fstat", path) }
            refusal = complaint(facts, systemd)
            bytes = refusal == nil ? try SmallFile.read(descriptor, path, atMost: 65_536) : []
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            if error.code == EACCES || error.code == EPERM { throw unreadable(path) }
            return try refuse(path, "cannot be read: \(error)", "check the name, the owner and the mode")
        }
        if let refusal { return try refuse(path, refusal.why, refusal.hint) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return try refuse(path, "is not text", "write the token into it and nothing else")
        }
        return APIToken(origin: path, secret: try usable(text, path))
    }

    /// systemd gives credentials to the service's user through an access list, which shows as the group's mode.
    private static func complaint(_ facts: stat, _ systemd: Bool) -> (why: String, hint: String)? {
        guard facts.st_mode & S_IFMT == S_IFREG else { return ("is not a file", "name a regular file") }
        let open = facts.st_mode & (systemd ? 0o007 : 0o077)
        guard open != 0 else { return nil }
        let mode = String(facts.st_mode & 0o777, radix: 8)
        return ("may be read by others than its owner (mode \(mode))", "chmod 600 the file, and consider a new token")
    }

    private static func unreadable(_ path: String) -> HarvestError {
        var facts = stat()
        let owner = stat(path, &facts) == 0 ? "; it belongs to user id \(facts.st_uid)" : ""
        return HarvestError(
            .tokenUnreadable, "user id \(geteuid()) may not read the token file\(owner)", path: path,
            hint: "run as its owner, or hand the token over as a systemd credential (LoadCredential=token:\(path)), or "
                + "give the file to the user who runs salvage")
    }

    private static func refuse(_ path: String, _ why: String, _ hint: String) throws(HarvestError) -> APIToken {
        throw HarvestError(.tokenRefused, "the token file \(why)", path: path, hint: hint)
    }

    private static func usable(_ text: String, _ origin: String) throws(HarvestError) -> String {
        var token = Substring(text)
        while let last = token.last, last.isWhitespace { token = token.dropLast() }
        while let first = token.first, first.isWhitespace { token = token.dropFirst() }
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw HarvestError(
                .tokenRefused, token.isEmpty ? "the token is empty" : "the token holds a space or a control character",
                path: origin, hint: "write the token into it and nothing else")
        }
        return String(token)
    }
}
