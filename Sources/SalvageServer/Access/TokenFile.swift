import Bytes
import Digest
import Files
import Glibc
import Synchronization
import Text

/// The tokens of a file: one line for each, `NAME ROLES TOKEN`, where ROLES is `read`, `triage` and `upload` with commas
/// between them, and TOKEN is the token itself or `sha256:` and the SHA-256 of it in hexadecimal digits. Empty lines and
/// lines that begin with `#` are ignored.
///
/// The file is read again when it changes: a token that was removed from it is refused at once.
public final class TokenFile: Sendable {
    /// The path of the file.
    public let path: String
    private let state: Mutex<State>

    private struct State {
        var version: Version
        var entries: [Entry]
    }

    /// What tells one content of the file from another.
    private struct Version: Equatable {
        let device: UInt64
        let inode: UInt64
        let size: Int
        // The time of the last change of content, owner or mode. Unlike that of the content alone, nobody can set it.
        let seconds: Int
        let nanoseconds: Int

        init(_ facts: stat) {
            device = UInt64(facts.st_dev)
            inode = UInt64(facts.st_ino)
            size = Int(facts.st_size)
            seconds = Int(facts.st_ctim.tv_sec)
            nanoseconds = Int(facts.st_ctim.tv_nsec)
        }
    }

    /// One token.
    struct Entry: Sendable, Equatable {
        let identity: ServerIdentity
        let digest: [UInt8]
    }

    /// Reads the file.
    ///
    /// - Throws: ``TokenFileError`` if it cannot be read, is open to others than its owner, or has an invalid line.
    public init(_ path: String) throws(TokenFileError) {
        self.path = path
        let (version, entries) = try Self.read(path)
        guard !entries.isEmpty else {
            throw TokenFileError(path: path, "has no token", hint: "add the line that 'salvage serve token' prints")
        }
        state = Mutex(State(version: version, entries: entries))
    }

    /// Who has this token; nil if nobody.
    func identity(of token: String) -> (identity: ServerIdentity, digest: [UInt8])? {
        let digest = SHA256.digest(token.utf8)
        // All are compared, so that the time does not tell which one is similar.
        var found: Entry?
        for entry in current where HMACSHA256.areEqual(entry.digest, digest) { found = entry }
        return found.map { ($0.identity, $0.digest) }
    }

    /// Who has the token with this digest now; nil if it was removed.
    func identity(ofDigest digest: [UInt8]) -> ServerIdentity? {
        current.first { HMACSHA256.areEqual($0.digest, digest) }?.identity
    }

    /// Reads the file again, changed or not; returns the number of tokens.
    ///
    /// - Throws: ``TokenFileError`` if it cannot be used; until it can, nobody is let in.
    public func reload() throws(TokenFileError) -> Int {
        let (version, entries) = try Self.read(path)
        state.withLock { $0 = State(version: version, entries: entries) }
        return entries.count
    }

    private var current: [Entry] {
        state.withLock { state in
            if Self.version(path) == state.version { return state.entries }
            do throws(TokenFileError) {
                let (version, entries) = try Self.read(path)
                state.version = version
                state.entries = entries
                return entries
            } catch {
                // Nobody is let in by a file that is not what it was.
                return []
            }
        }
    }

    // MARK: Reading

    private static func version(_ path: String) -> Version? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Version(facts)
    }

    private static func read(_ path: String) throws(TokenFileError) -> (Version, [Entry]) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw TokenFileError(
                path: path, "cannot be read: \(String(cString: strerror(errno)))",
                hint: "create it with: salvage serve token NAME read,triage")
        }
        defer { close(descriptor) }
        var facts = stat()
        // The open descriptor, not the path, so that nobody can swap the file in between.
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw TokenFileError(path: path, "is not a regular file", hint: "use a regular file")
        }
        guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
            throw TokenFileError(
                path: path, "belongs to another user (user id \(facts.st_uid))",
                hint: "chown it to the user who runs salvage serve")
        }
        guard facts.st_mode & 0o077 == 0 else {
            throw TokenFileError(
                path: path,
                "is accessible to others than its owner (mode \(String(facts.st_mode & 0o777, radix: 8)))",
                hint: "chmod 600 the file, and consider new tokens")
        }
        let bytes: [UInt8]
        do throws(FileFailure) { bytes = try Descriptor.rest(descriptor, atMost: 1 << 20, path: path) } catch {
            throw TokenFileError(path: path, "cannot be read: \(error.reason)", hint: nil)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TokenFileError(path: path, "is not UTF-8 text", hint: "write one token a line: NAME ROLES TOKEN")
        }
        return (Version(facts), try parse(text, path: path))
    }

    /// Reads the lines of a file.
    static func parse(_ text: String, path: String) throws(TokenFileError) -> [Entry] {
        var entries: [Entry] = []
        var names: ByteSet = []
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }.map { String(Substring($0)) }
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            func fail(_ what: String, _ hint: String) -> TokenFileError {
                TokenFileError(path: path, "line \(index + 1) \(what)", hint: hint)
            }
            guard words.count == 3 else {
                throw fail("does not have three words", "write NAME ROLES TOKEN, such as: ada read,triage sha256:…")
            }
            guard names.insert(first).inserted else {
                throw fail("has a name for the second time", "give each token a name of its own")
            }
            guard let roles = roles(words[1]) else {
                throw fail("has unknown roles", "write some of read, triage and upload, with commas between them")
            }
            guard let digest = digest(words[2]) else {
                throw fail(
                    "has a token that is too short or not valid",
                    "salvage serve token NAME ROLES makes one; a token has at least 20 characters")
            }
            entries.append(Entry(identity: ServerIdentity(name: first, roles: roles), digest: digest))
        }
        return entries
    }

    /// Reads roles with commas between them; nil for an unknown one. Who may triage or upload may also read.
    public static func roles(_ text: String) -> Set<ServerRole>? {
        var roles: Set<ServerRole> = [.read]
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        for word in words {
            guard let role = ServerRole(rawValue: String(word)) else { return nil }
            roles.insert(role)
        }
        return roles
    }

    private static func digest(_ word: String) -> [UInt8]? {
        if word.hasPrefix("sha256:") {
            guard let bytes = Hex.bytes(word.dropFirst(7)), bytes.count == SHA256.size else { return nil }
            return bytes
        }
        return word.utf8.count >= 20 && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } ? SHA256.digest(word.utf8) : nil
    }

    /// A fresh token and the line for the file.
    public static func make(name: String, roles: String) -> (token: String, line: String) {
        let token = "salvage_" + RandomBytes.hex(24)
        return (token, "\(name) \(roles) sha256:\(Hex.text(SHA256.digest(token.utf8)))")
    }
}
