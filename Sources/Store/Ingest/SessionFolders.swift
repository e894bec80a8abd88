import Files
import Glibc
import Text

/// A folder with one sub-folder per session, each with the files of that session.
public struct SessionFolders: Sendable {
    /// An entry that is not ingested.
    public struct Stray: Sendable {
        /// Its name; bytes that are not UTF-8 are replaced.
        public let name: String
        /// Why it is not ingested.
        public let reason: String
    }

    /// One session's folder.
    public struct Session: Sendable {
        /// The folder.
        public let path: String
        /// The session's id: from the metadata file, else the folder's name.
        public let id: String
        /// What the metadata file says; empty without one.
        public let metadata: IngestMetadata
        /// The files and folders to ingest.
        public let files: [String]
        /// The entries that are left out.
        public let strays: [Stray]
    }

    /// The folder.
    public let path: String
    /// The names of the sub-folders, sorted; without those that begin with a dot.
    public let names: [String]
    /// The other entries; without those that begin with a dot.
    public let strays: [Stray]

    private static let notText = "its name is not UTF-8"
    private static let notAFolder = "it is not a folder"

    /// Lists a folder.
    ///
    /// - Throws: ``StoreError`` with `noSessions` if it has no sub-folder; `FileFailure` if it cannot be listed.
    public init(_ path: String) throws {
        self.path = path
        var names: [String] = []
        var strays: [Stray] = []
        for name in try OpenFolder(path: path).names() where !name.shown.hasPrefix(".") {
            guard let text = name.text else {
                strays.append(Stray(name: name.shown, reason: Self.notText))
                continue
            }
            var facts = stat()
            if stat("\(path)/\(text)", &facts) != 0 {
                strays.append(Stray(name: text, reason: Self.unreadable(errno)))
            } else if facts.st_mode & S_IFMT == S_IFDIR {
                names.append(text)
            } else {
                strays.append(Stray(name: text, reason: Self.notAFolder))
            }
        }
        guard !names.isEmpty || strays.contains(where: { $0.reason != Self.notAFolder }) else {
            throw StoreError(
                .noSessions, "the folder has no sub-folders, so no sessions", path: path,
                hint: "--each takes a folder with one sub-folder per session; for a single session: --session ID FILE…",
                kind: .notFound)
        }
        self.names = names
        self.strays = strays
    }

    /// Lists a session's folder and reads its metadata file, if it has one and other files besides.
    ///
    /// - Throws: ``StoreError`` for a metadata file that is not valid; `FileFailure` if the folder cannot be listed.
    public func session(_ name: String) throws -> Session {
        let folder = "\(path)/\(name)"
        var files: [String] = []
        var strays: [Stray] = []
        var describes = false
        for entry in try OpenFolder(path: folder).names() {
            guard let text = entry.text else {
                strays.append(Stray(name: entry.shown, reason: Self.notText))
                continue
            }
            if text.hasSameBytes(as: IngestMetadata.fileName) {
                describes = true
            } else if let reason = Self.obstacle("\(folder)/\(text)") {
                strays.append(Stray(name: text, reason: reason))
            } else {
                files.append("\(folder)/\(text)")
            }
        }
        var id = name
        var metadata = IngestMetadata()
        if describes, !files.isEmpty {
            let (given, rest) = try IngestMetadata.read("\(folder)/\(IngestMetadata.fileName)")
            id = given ?? name
            metadata = rest
        }
        return Session(path: folder, id: id, metadata: metadata, files: files, strays: strays)
    }

    /// The reason why an entry of a session's folder cannot be ingested; nil for a file or a folder.
    private static func obstacle(_ path: String) -> String? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return unreadable(errno) }
        let kind = facts.st_mode & S_IFMT
        return kind == S_IFREG || kind == S_IFDIR ? nil : "it is neither a file nor a folder"
    }

    private static func unreadable(_ code: Int32) -> String { "it cannot be inspected: \(FileFailure.reason(code))" }
}
