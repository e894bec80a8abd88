import Files
import Glibc

/// The files with symbols below some paths, recognized by their first bytes, for a server that looks at the rest.
public struct SymbolFiles: Sendable {
    /// ELF files and Breakpad files, sorted within each given path.
    public private(set) var files: [String] = []
    /// The number of other files.
    public private(set) var skipped = 0
    /// What could not be read below the paths.
    public private(set) var unread: [StoreError] = []

    private static let most = 1_000_000
    private static let deepest = 64

    /// Looks below the paths. Links below a folder are not followed, and devices and pipes are not opened.
    ///
    /// - Throws: ``StoreError`` with `unreadable` for a path that cannot be read.
    public init(_ paths: [String]) throws(StoreError) {
        for path in paths {
            var facts = stat()
            guard stat(path, &facts) == 0 else {
                throw StoreError(.unreadable, "cannot read \(path): \(FileFailure.reason(errno))", path: path)
            }
            if facts.st_mode & S_IFMT == S_IFDIR { walk(path, depth: 0) } else { take(path) }
        }
    }

    private mutating func walk(_ folder: String, depth: Int) {
        let entries: [OpenFolder.Entry]
        do throws(FileFailure) { entries = try OpenFolder(path: folder).entries() } catch {
            if !error.isAbsence {
                unread.append(StoreError(.unreadable, "cannot list \(folder): \(error.reason)", path: folder))
            }
            return
        }
        for entry in entries.sorted(by: { $0.name < $1.name }) where files.count < Self.most {
            let path = folder + "/" + entry.name
            switch entry.kind {
            case .folder where depth < Self.deepest: walk(path, depth: depth + 1)
            case .file where entry.size >= 64: take(path)
            case .folder, .file, .link, .other: break
            }
        }
    }

    private mutating func take(_ path: String) {
        do throws(FileFailure) {
            let descriptor = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            defer { close(descriptor) }
            let head = try Descriptor.rest(descriptor, atMost: 7, path: path)
            if head.starts(with: [0x7F, 0x45, 0x4C, 0x46]) || head.elementsEqual("MODULE ".utf8) {
                files.append(path)
            } else {
                skipped += 1
            }
        } catch {
            if !error.isAbsence {
                unread.append(StoreError(.unreadable, "cannot read \(path): \(error.reason)", path: path))
            }
        }
    }
}
