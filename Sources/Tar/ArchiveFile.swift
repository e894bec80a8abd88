public import Files
internal import Glibc

extension FolderArchive {
    /// Writes a folder as an archive to a new file that only the owner can read. Paths in the archive begin with the
    /// folder's name; links in the path of the folder itself are followed.
    ///
    /// - Parameters:
    ///   - folder: the path of the folder.
    ///   - target: the path of the file, which must not exist. It is removed again on failure.
    ///   - compressed: whether the archive is compressed with gzip.
    ///   - options: how it is written. The archive itself is left out of it.
    /// - Returns: what could not be read, one sentence each, if the options say to report it.
    /// - Throws: `FileFailure` with the path that cannot be read or written.
    public static func write(
        folder: String, to target: String, compressed: Bool = false, options: Options
    ) throws(FileFailure) -> [String] {
        guard let full = realpath(folder, nil) else { throw .last("read", folder) }
        defer { free(full) }
        let name = UnsafeRawBufferPointer(start: full, count: strlen(full)).split(separator: UInt8(ascii: "/")).last
        let source = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard source >= 0 else { throw .last("read", folder) }
        defer { close(source) }
        let output = try Descriptor.open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
        defer { close(output) }
        do throws(FileFailure) {
            var options = options
            options.leftOut = try FileIdentity(of: output)
            let archive = try FolderArchive(
                source, path: name.map { Array($0) } ?? [UInt8(ascii: ".")], options: options)
            // zlib's default level, as of gzip(1).
            let gzip = compressed ? try GzipStream(level: 6) : nil
            while let piece = try archive.next() {
                try Descriptor.write(output, gzip?.compressed(piece) ?? piece, path: target)
            }
            if let gzip { try Descriptor.write(output, gzip.compressed([], last: true), path: target) }
            // A file server may report a failed write only now.
            if options.isSynced { try Descriptor.sync(output, path: target) }
            return archive.problems
        } catch {
            unlink(target)
            throw error
        }
    }
}
