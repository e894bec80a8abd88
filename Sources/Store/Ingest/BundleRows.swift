import Bytes
import JSON
import Text

/// The members that a bundle's description of a session lists. What is not as salvage writes it is ignored: the files are
/// then taken by their names.
struct BundleRows {
    /// A file of the bundle.
    struct File {
        /// Its path below the session's files.
        let file: String
        /// Its path in the session.
        let path: [UInt8]
        /// The artifact that it belongs to.
        let artifact: String
        /// Its size in bytes.
        let size: UInt64?
    }

    /// A symbolic link, which is only listed.
    struct Link {
        /// Its path in the session.
        let path: [UInt8]
        /// What it leads to.
        let target: [UInt8]
        /// The artifact that it belongs to.
        let artifact: String
    }

    private(set) var files: [File] = []
    private(set) var links: [Link] = []
    private var places: ByteDictionary<Int> = [:]
    private static let longestPath = 4096

    /// Reads the rows of a description.
    init(_ description: JSONValue) {
        for row in description["members"]?.array ?? [] {
            guard let shown = row["path"]?.string, let path = Self.path(shown, row["path_base64"]?.string) else {
                continue
            }
            let artifact = row["artifact"]?.string.flatMap { $0.utf8.count <= Self.longestPath ? $0 : nil } ?? ""
            if let file = row["file"]?.string {
                guard places[file] == nil else { continue }
                places[file] = files.count
                files.append(File(file: file, path: path, artifact: artifact, size: row["size"]?.uint64))
            } else if row["kind"]?.string == "symlink", let shown = row["link_target"]?.string,
                let target = Self.path(shown, nil)
            {
                links.append(Link(path: path, target: target, artifact: artifact))
            }
        }
    }

    /// The row of a file.
    subscript(file: String) -> File? { places[file].map { files[$0] } }

    /// The bytes of a path; nil if they cannot be those of a file.
    private static func path(_ shown: String, _ base64: String?) -> [UInt8]? {
        let bytes = base64.flatMap { Base64.bytes($0) } ?? Escape.path(of: shown) ?? Array(shown.utf8)
        guard !bytes.isEmpty, bytes.count <= longestPath, !bytes.contains(0) else { return nil }
        return bytes
    }
}
