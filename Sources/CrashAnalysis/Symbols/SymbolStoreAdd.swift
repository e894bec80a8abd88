import Files
import Glibc
internal import Unpack

extension SymbolStore {
    /// The result of adding files to the store.
    public struct Addition: Sendable, Equatable {
        /// The files that were stored.
        public var added: [Entry] = []
        /// The number of files that the store already had.
        public var known = 0
        /// The identities of both: build ids, debug ids, or digests of first pages.
        public var identities: Set<String> = []
        /// Paths of programs and libraries without a build id, which are found only by name and first page.
        public var withoutBuildID: [String] = []
        /// The number of files that are neither ELF nor Breakpad symbols.
        public var skipped = 0
        /// Files and folders, below the given one, that exist but could not be read: their symbols were not added.
        public var unread: [CrashError] = []

        /// An empty result.
        public init() {}

        /// Adds the result for further files.
        public mutating func join(_ other: Addition) {
            added += other.added
            known += other.known
            identities.formUnion(other.identities)
            withoutBuildID += other.withoutBuildID
            skipped += other.skipped
            unread += other.unread
        }
    }

    private static let depthLimit = 64

    /// Adds a binary, a debug file, a Breakpad file, or all such files below a folder, for example an image's root.
    ///
    /// Below a folder, symbolic links are not followed, and devices and pipes are not opened; ``Addition/unread`` has what
    /// cannot be read there. Throws `CrashError` when `path` cannot be read or the store cannot be written.
    public func add(path: String) throws(CrashError) -> Addition {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw CrashError(reading: .last("read", path), "read \(path)")
        }
        var addition = Addition()
        if facts.st_mode & S_IFMT == S_IFDIR {
            try walk(path, into: &addition, depth: 0)
        } else {
            try addFile(path, into: &addition)
        }
        return addition
    }

    private func walk(_ folder: String, into addition: inout Addition, depth: Int) throws(CrashError) {
        guard depth < Self.depthLimit else { return }
        let names: [OpenFolder.Name]
        do throws(FileFailure) { names = try OpenFolder(ifPresent: folder)?.names() ?? [] } catch {
            // Removed meanwhile, or a file has its name.
            if error.isAbsence { return }
            let error = CrashError(reading: error)
            guard depth > 0 else { throw error }
            return addition.unread.append(error)
        }
        for name in names {
            guard let text = name.text else {
                addition.unread.append(
                    CrashError(
                        code: .unreadable, message: "the name \(name.shown) is not UTF-8, so it was left out",
                        path: folder + "/" + name.shown, hint: "rename it"))
                continue
            }
            let path = folder + "/" + text
            var facts = stat()
            guard lstat(path, &facts) == 0 else {
                let failure = FileFailure.last("inspect the file", path)
                // Removed meanwhile.
                if !failure.isAbsence { addition.unread.append(CrashError(reading: failure)) }
                continue
            }
            if facts.st_mode & S_IFMT == S_IFDIR {
                try walk(path, into: &addition, depth: depth + 1)
            } else if facts.st_mode & S_IFMT == S_IFREG, facts.st_size >= 64 {
                do throws(CrashError) { try addFile(path, into: &addition) } catch {
                    guard error.code == .unreadable else { throw error }
                    // Removed meanwhile.
                    if !error.isAbsence { addition.unread.append(error) }
                }
            }
        }
    }

    private func addFile(_ path: String, into addition: inout Addition) throws(CrashError) {
        let source = try FileByteSource(path: path)
        let head = source.bytes(at: 0, count: 4096)
        switch head.withUnsafeBytes({ Sniffer.kind(of: $0) }) {
        case .elf:
            guard let file = SymbolFile(source) else { return try skip(source, &addition) }
            if let identity = file.buildID, identity.utf8.count >= 4 {
                try addELF(file, identity, source, into: &addition)
            } else {
                try addNamed(file, path, source, into: &addition)
            }
        case .breakpadSymbols:
            let line = String(decoding: head.prefix { $0 != 0x0a }, as: UTF8.self)
            let words = line.split(separator: " ", maxSplits: 4).map(String.init)
            guard words.count == 5, let target = breakpadPath(debugFile: words[4].trimmed, debugID: words[3]) else {
                return try skip(source, &addition)
            }
            try store(source, at: target, identity: words[3], kind: .breakpad, into: &addition)
        default: try skip(source, &addition)
        }
        // What the file was taken for may be wrong.
        if let failure = source.failure { throw failure }
    }

    /// Counts a file that has no symbols. One of which a part could not be read may have some.
    private func skip(_ source: FileByteSource, _ addition: inout Addition) throws(CrashError) {
        if let failure = source.failure { throw failure }
        addition.skipped += 1
    }

    /// Stores a program without a build id under its name.
    private func addNamed(
        _ file: SymbolFile, _ from: String, _ source: any ByteSource, into addition: inout Addition
    ) throws(CrashError) {
        guard file.hasCode, file.header.type == 2 || file.header.type == 3 else { return }
        addition.withoutBuildID.append(from)
        let name = from.split(separator: "/" as Character).last.map(String.init) ?? from
        guard let page = FirstPage.digest(of: source), let target = path(name: name, firstPage: page) else { return }
        if try isKnown(target, nil, asGoodAs: file) {
            addition.identities.insert(page)
            addition.known += 1
        } else {
            try store(source, at: target, identity: page, kind: .executable, into: &addition)
        }
    }

    /// Adds the file of the module that a dump calls `name`. Without a build id, the file is used for that module even
    /// when the dump lacks the module's first page. Throws `CrashError` as ``add(path:)`` does.
    public func add(program path: String, as name: String) throws(CrashError) -> Addition {
        var addition = try add(path: path)
        let source = try FileByteSource(path: path)
        let file = SymbolFile(source)
        let identity = file?.buildID
        // What the file was taken for may be wrong.
        if let failure = source.failure { throw failure }
        guard file != nil, identity == nil else { return addition }
        for page in [FirstPage.digest(of: source), nil] {
            guard let target = self.path(name: name, firstPage: page), try Self.fileSize(target) == nil else {
                continue
            }
            try store(source, at: target, identity: page ?? name, kind: .executable, into: &addition)
        }
        return addition
    }

    private func addELF(
        _ file: SymbolFile, _ identity: String, _ source: any ByteSource, into addition: inout Addition
    ) throws(CrashError) {
        let kinds: [Entry.Kind] =
            file.hasCode
            ? (file.hasDebugInfo || file.section(".symtab") != nil ? [.executable, .debug] : [.executable])
            : [.debug]
        guard let first = kinds.first, let target = path(buildID: identity, kind: first) else { return }
        if try isKnown(target, identity, asGoodAs: file) {
            addition.identities.insert(identity)
            addition.known += 1
        } else {
            try store(source, at: target, identity: identity, kind: first, into: &addition)
        }
        // gdb looks for symbols only under the .debug name, so the file gets both names.
        if kinds.count == 2, let other = path(buildID: identity, kind: .debug), try Self.fileSize(other) == nil {
            _ = link(target, other)
        }
    }

    /// True when the store has a file of this build with at least as many symbols: a stripped file must not replace one
    /// with symbols.
    private func isKnown(
        _ target: String, _ identity: String?, asGoodAs file: SymbolFile
    ) throws(CrashError) -> Bool {
        do throws(CrashError) {
            guard let held = try source(target) else { return false }
            let present = SymbolFile(held)
            let isAsGood = present.map { $0.buildID == identity && $0.detail >= file.detail } ?? false
            if let failure = held.failure { throw failure }
            return isAsGood
        } catch {
            // The stored file may be the better one.
            throw CrashError(
                code: .unreadable,
                message: "the stored symbols cannot be read now, so they were not replaced: \(error.reason)",
                path: target, hint: "run the command again")
        }
    }

    private func store(
        _ source: any ByteSource, at target: String, identity: String, kind: Entry.Kind,
        into addition: inout Addition
    ) throws(CrashError) {
        addition.identities.insert(identity)
        if kind == .breakpad, try Self.fileSize(target) == source.size {
            addition.known += 1
            return
        }
        do throws(FileFailure) {
            try Folders.make(Folders.split(target).folder, mode: 0o777)
            try Self.copy(source, to: target)
        } catch {
            if let failure = (source as? FileByteSource)?.failure { throw failure }
            let hint: String? =
                switch error.errno {
                case ENOSPC, EDQUOT: "free space on the store's disk"
                case EACCES, EPERM: "check the store's permissions"
                default: nil
                }
            throw CrashError(
                code: .unwritable, message: "cannot write \(target): \(error.reason)", path: target, hint: hint)
        }
        addition.added.append(Entry(identity: identity, kind: kind, size: source.size, path: target))
    }

    /// Writes the file under another name and renames it once it is synced: it may replace a good file.
    private static func copy(_ source: any ByteSource, to target: String) throws(FileFailure) {
        let temporary = target + ".\(getpid()).tmp"
        let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        do throws(FileFailure) {
            var offset: UInt64 = 0
            while offset < source.size {
                let piece = source.bytes(at: offset, count: 1 << 20)
                // The input ends early, or cannot be read.
                if piece.isEmpty { throw FileFailure("read", temporary, errno: EIO) }
                try file.write(piece)
                offset += UInt64(piece.count)
            }
            try file.syncAll()
            guard rename(temporary, target) == 0 else { throw .last("rename", target) }
        } catch {
            unlink(temporary)
            throw error
        }
    }
}
