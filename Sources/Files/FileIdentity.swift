internal import Glibc

/// Identifies a file, whatever its name.
public struct FileIdentity: Sendable, Hashable {
    /// The device number of the file system.
    public var device: UInt64
    /// The inode number.
    public var inode: UInt64

    init(_ facts: stat) {
        device = UInt64(facts.st_dev)
        inode = UInt64(facts.st_ino)
    }

    /// Reads the identity of an open file.
    public init(of descriptor: Int32) throws(FileFailure) {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .last("inspect the open file", "") }
        self.init(facts)
    }
}
