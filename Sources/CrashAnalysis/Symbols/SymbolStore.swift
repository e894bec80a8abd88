import Bytes
import Files
import Glibc
public import Model

/// Executables, debug files and Breakpad symbols by build id, in the layout of gdb and elfutils: `.build-id/ab/cdef…`
/// is the executable, `.build-id/ab/cdef….debug` its debug information. Breakpad files are stored under `<debug
/// file>/<debug id>/<name>.sym`, programs without a build id under `.by-name/<name>/<digest of the first page>`.
public struct SymbolStore: Sendable {
    /// The folder that holds `.build-id`.
    public let root: String
    /// Open files by path; when set, the store opens no others.
    private let held: [String: Int32]?
    /// Why files that may exist are not among those, by path.
    private let unread: [String: String]

    /// Uses `root`, which need not exist yet.
    public init(root: String) {
        self.root = root
        held = nil
        unread = [:]
    }

    /// Uses files that the caller opened and keeps open, by path as ``files(for:)`` returns them: for a process that
    /// must not open files.
    ///
    /// - Parameters:
    ///   - root: the folder that holds `.build-id`.
    ///   - held: the files' descriptors, by path.
    ///   - unread: the reasons, in the system's words, why files that may exist could not be opened, by path.
    public init(root: String, held: [String: Int32], unread: [String: String] = [:]) {
        self.root = root
        self.held = held
        self.unread = unread
    }

    /// Opens a file of the store; nil only if it does not exist.
    ///
    /// - Throws: `CrashError` when it cannot be read now.
    func source(_ path: String) throws(CrashError) -> FileByteSource? {
        guard let held else {
            do throws(CrashError) { return try FileByteSource(path: path) } catch {
                guard error.isAbsence else { throw error }
                return nil
            }
        }
        if let reason = unread[path] { throw CrashError(code: .unreadable, message: reason, path: path) }
        return held[path].flatMap { FileByteSource(descriptor: $0, path: path) }
    }

    /// Whether the store has a file.
    ///
    /// - Throws: `CrashError` when that cannot be determined now.
    private func isThere(_ path: String) throws(CrashError) -> Bool {
        if let held { return held[path] != nil || unread[path] != nil }
        if access(path, F_OK) == 0 { return true }
        let failure = FileFailure.last("look for the symbols", path)
        guard failure.isAbsence else { throw CrashError(reading: failure) }
        return false
    }

    /// Returns the paths of the store's files that can symbolicate a crash, those for its own stack first. Files that may
    /// exist, but cannot be looked up now, are among them: opening one tells why.
    public func files(for record: CrashRecord) -> [String] {
        var paths: [String] = []
        var seen: Set<String> = []
        func note(_ path: String?) {
            guard let path, seen.insert(path).inserted else { return }
            do throws(CrashError) { if try isThere(path) { paths.append(path) } } catch { paths.append(path) }
        }
        func note(_ identity: String?, _ name: String) {
            guard let identity else { return }
            note(path(buildID: identity, kind: .executable))
            note(path(buildID: identity, kind: .debug))
            note(breakpadPath(debugFile: name, debugID: identity))
        }
        for frame in record.frames { note(frame.buildID, frame.module ?? "") }
        for module in record.modules {
            note(module.buildID, module.name)
            note(module.debugID, module.debugFile ?? module.name)
            if module.buildID == nil, module.debugID == nil {
                note(path(name: module.name, firstPage: module.firstPage))
            }
        }
        for frame in record.threads.lazy.flatMap(\.frames) { note(frame.buildID, frame.module ?? "") }
        return paths
    }

    /// One file of the store.
    public struct Entry: Sendable, Equatable {
        /// What the file provides.
        public enum Kind: String, Sendable, Codable {
            /// Code, unwind tables and dynamic symbols.
            case executable
            /// Symbols and DWARF.
            case debug
            /// Breakpad text symbols.
            case breakpad
        }

        /// GNU build id in lower case, Breakpad debug id in upper case, or the digest of a program's first page.
        public var identity: String
        /// Its kind.
        public var kind: Kind
        /// Length in bytes.
        public var size: UInt64
        /// The file's path; in a shared store its key in the bucket.
        public var path: String

        /// Creates an entry.
        public init(identity: String, kind: Kind, size: UInt64, path: String) {
            self.identity = identity
            self.kind = kind
            self.size = size
            self.path = path
        }
    }

    /// Returns the path for a build id, whether or not the file exists; nil when it is not a build id.
    public func path(buildID: String, kind: Entry.Kind) -> String? {
        guard buildID.utf8.count >= 4, buildID.utf8.count <= 128, buildID.utf8.allSatisfy({ Hex.value($0) != nil })
        else {
            return nil
        }
        let lower = buildID.lowercased()
        let base = root + "/.build-id/" + lower.prefix(2) + "/" + lower.dropFirst(2)
        return kind == .debug ? base + ".debug" : base
    }

    /// Returns the path of a Breakpad file; nil for a malformed id or a name that could lead out of the store.
    public func breakpadPath(debugFile: String, debugID: String) -> String? {
        let name = debugFile.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0), name.utf8.count <= 200,
            debugID.utf8.count >= 8, debugID.utf8.count <= 64, debugID.utf8.allSatisfy({ Hex.value($0) != nil })
        else { return nil }
        let stem = name.hasSuffix(".pdb") ? String(name.dropLast(4)) : name
        return root + "/\(name)/\(debugID)/\(stem).sym"
    }

    /// True when the store has code or symbols for a build id.
    ///
    /// - Throws: `CrashError` when that cannot be determined now.
    public func has(buildID: String) throws(CrashError) -> Bool {
        for kind in [Entry.Kind.executable, .debug] {
            if let path = path(buildID: buildID, kind: kind), try isThere(path) { return true }
        }
        return false
    }

    /// The files of a store that could be listed.
    public struct Survey: Sendable {
        /// The files, ordered by identity.
        public var entries: [Entry] = []
        /// The folders and files that exist but cannot be read now: what they hold is not among the entries.
        public var unread: [CrashError] = []

        /// An empty list.
        public init() {}

        /// Returns the names in a folder; none if it does not exist, is a file, or, with an error, cannot be read now.
        mutating func names(in folder: String) -> [String] {
            do throws(CrashError) { return try SymbolStore.names(in: folder) } catch {
                unread.append(error)
                return []
            }
        }

        /// Adds a file, if it is a regular one.
        mutating func add(_ identity: String, _ kind: Entry.Kind, _ path: String) {
            do throws(CrashError) {
                guard let size = try SymbolStore.fileSize(path) else { return }
                entries.append(Entry(identity: identity, kind: kind, size: size, path: path))
            } catch {
                unread.append(error)
            }
        }
    }

    /// Lists the store's files, as far as that is possible now. Others may put folders of theirs beside those of the
    /// store: what cannot be read there must not hide the store's own files.
    public func survey() -> Survey {
        var survey = Survey()
        for folder in survey.names(in: root + "/.build-id") where folder.utf8.count == 2 && !folder.hasPrefix(".") {
            for name in survey.names(in: root + "/.build-id/" + folder) {
                guard !name.hasPrefix("."), !name.hasSuffix(".tmp") else { continue }
                let debug = name.hasSuffix(".debug")
                let identity = folder + (debug ? String(name.dropLast(6)) : name)
                survey.add(identity, debug ? .debug : .executable, root + "/.build-id/\(folder)/\(name)")
            }
        }
        // A disk of its own has a folder that only root can list.
        for file in survey.names(in: root) where !file.hasPrefix(".") && file != "lost+found" {
            for identity in survey.names(in: root + "/" + file) {
                for name in survey.names(in: root + "/\(file)/\(identity)") where name.hasSuffix(".sym") {
                    survey.add(identity, .breakpad, root + "/\(file)/\(identity)/\(name)")
                }
            }
        }
        addNamed(to: &survey)
        survey.entries.sort { ($0.identity, $0.kind.rawValue) < ($1.identity, $1.kind.rawValue) }
        return survey
    }

    /// Lists the store's files, ordered by identity.
    ///
    /// - Throws: `CrashError` when a folder of the store cannot be read now: the list would lack its files.
    ///   ``survey()`` returns what can be read.
    public func list() throws(CrashError) -> [Entry] {
        let survey = survey()
        if let error = survey.unread.first { throw error }
        return survey.entries
    }

    /// Returns the names in a folder; none if it does not exist or is a file.
    static func names(in folder: String) throws(CrashError) -> [String] {
        do throws(FileFailure) { return try OpenFolder(ifPresent: folder)?.names().map(\.shown) ?? [] } catch {
            if error.isAbsence { return [] }
            throw CrashError(reading: error)
        }
    }

    /// Returns the size of a regular file in bytes; nil if there is none.
    static func fileSize(_ path: String) throws(CrashError) -> UInt64? {
        var facts = stat()
        guard lstat(path, &facts) == 0 else {
            let failure = FileFailure.last("inspect the symbols", path)
            guard failure.isAbsence else { throw CrashError(reading: failure) }
            return nil
        }
        return facts.st_mode & S_IFMT == S_IFREG ? UInt64(max(0, facts.st_size)) : nil
    }
}
