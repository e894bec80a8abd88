internal import Glibc

/// A file whose content is secret: it is used only if nobody but its owner can read it.
public enum SecretFile {
    /// What reading found.
    public enum Content: Sendable, Equatable {
        /// The bytes, at most 64 KiB of them.
        case bytes([UInt8])
        /// Why the file must not be used, in words that follow "the file", and what to do.
        case refused(why: String, hint: String)
    }

    /// The most bytes that are read.
    private static let limit = 65_536

    /// Reads the file of a secret, or says why it must not be used.
    ///
    /// - Parameters:
    ///   - path: the file; links are followed.
    ///   - toleratesGroup: whether its group may read it, as that of a systemd credential: systemd grants access through an
    ///     ACL, whose mask appears as the group bits of the mode.
    public static func read(_ path: String, toleratesGroup: Bool) throws(FileFailure) -> Content {
        let descriptor = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        var facts = stat()
        // Check the open descriptor, not the path, so that nobody can swap the file in between.
        guard fstat(descriptor, &facts) == 0 else { throw FileFailure.last("fstat", path) }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            return .refused(why: "is not a regular file", hint: "use a regular file")
        }
        guard facts.st_mode & (toleratesGroup ? 0o007 : 0o077) == 0 else {
            let mode = String(facts.st_mode & 0o777, radix: 8)
            return .refused(
                why: "is accessible to others than its owner (mode \(mode))",
                hint: "chmod 600 the file, and consider a new secret")
        }
        return .bytes(try Descriptor.rest(descriptor, atMost: limit, path: path))
    }
}
