import Files
import Glibc
import Synchronization

/// Reads the text of a configuration from a file or a pipe.
enum ConfigurationFile {
    /// What a path may name.
    enum Kinds {
        /// Files, and the pipe that a shell makes for `<(…)`.
        case filesAndPipes
        /// Files only: a reload cannot read a pipe a second time.
        case filesOnly
    }

    /// How long to wait for data from a pipe, in total, in milliseconds.
    private static let patience: Int32 = 5000

    /// The content of a configuration file.
    struct Content: Sendable {
        /// The text.
        var text: String
        /// Whether only the owner can read it.
        var isPrivate: Bool
    }

    /// What was read from pipes, by path. A pipe can be read only once, but a command may load its configuration
    /// several times.
    private static let piped = Mutex<[String: Content]>([:])

    /// Returns the content of a file; nil when it does not exist. Waits for a pipe for at most ``patience``.
    ///
    /// - Throws: ``ConfigurationError`` with `invalidConfiguration` for a path that cannot be read, is not UTF-8, or is not
    ///   one of `kinds`.
    static func read(_ path: String, _ kinds: Kinds) throws(ConfigurationError) -> Content? {
        if kinds == .filesAndPipes, let known = piped.withLock({ $0[path] }) { return known }
        var kind: String?
        var isPipe = false
        var isPrivate = false
        let bytes: [UInt8]
        do throws(FileFailure) {
            // Non-blocking: otherwise a pipe in place of the file would block open().
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            guard descriptor >= 0 else { throw FileFailure.last("open", path) }
            defer { close(descriptor) }
            var facts = stat()
            // Check the open descriptor, not the path, so that nobody can swap the file in between.
            guard fstat(descriptor, &facts) == 0 else { throw FileFailure.last("fstat", path) }
            isPipe = facts.st_mode & S_IFMT == S_IFIFO
            isPrivate = facts.st_mode & 0o077 == 0
            kind = refusedKind(facts, kinds)
            if kind != nil {
                bytes = []
            } else if isPipe {
                bytes = try readPipe(descriptor, path)
            } else {
                bytes = try Descriptor.rest(descriptor, atMost: Configuration.largestFile + 1, path: path)
            }
        } catch {
            if error.isAbsence { return nil }
            throw ConfigurationError(
                .invalidConfiguration, "the configuration cannot be read: \(error)", path: path,
                hint: "check the file's owner and mode")
        }
        if let kind {
            throw ConfigurationError(
                .invalidConfiguration, "the configuration is \(kind), not a file", path: path,
                hint: "use a regular file")
        }
        // A file that is cut at the limit may end within a character.
        guard bytes.count <= Configuration.largestFile else {
            throw ConfigurationError(
                .invalidConfiguration, "the configuration is larger than 1 MiB", path: path,
                hint: "keep the configuration small")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(
                .invalidConfiguration, "the configuration is not UTF-8 text", path: path, hint: "save it as UTF-8")
        }
        let content = Content(text: text, isPrivate: isPrivate)
        if isPipe { piped.withLock { $0[path] = content } }
        return content
    }

    /// Returns the name of a file type that is refused; nil when the file may be read.
    private static func refusedKind(_ facts: stat, _ kinds: Kinds) -> String? {
        switch facts.st_mode & S_IFMT {
        case S_IFREG: return nil
        case S_IFIFO: return kinds == .filesAndPipes ? nil : "a pipe"
        case S_IFDIR: return "a folder"
        case S_IFCHR where isNull(facts): return kinds == .filesAndPipes ? nil : "a device"
        case S_IFCHR, S_IFBLK: return "a device"
        case S_IFSOCK: return "a socket"
        default: return "a special file"
        }
    }

    /// Returns whether this is `/dev/null`, which at startup means an empty configuration.
    private static func isNull(_ facts: stat) -> Bool {
        var null = stat()
        return stat("/dev/null", &null) == 0 && null.st_mode & S_IFMT == S_IFCHR && null.st_rdev == facts.st_rdev
    }

    private static func readPipe(_ descriptor: Int32, _ path: String) throws(FileFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        var left = patience
        while bytes.count <= Configuration.largestFile {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes += chunk[..<count]
                continue
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno != EAGAIN { throw FileFailure.last("read", path) }
            if count == 0, !bytes.isEmpty { break }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let step = min(left, 50)
            guard step > 0 else { throw FileFailure("read", path, errno: ETIMEDOUT) }
            let ready = poll(&waiting, 1, step)
            if ready < 0, errno != EINTR { throw FileFailure.last("poll", path) }
            // The writer closed the pipe without writing.
            if count == 0, ready > 0, waiting.revents & Int16(POLLIN) == 0 { break }
            left -= step
        }
        return bytes
    }
}
