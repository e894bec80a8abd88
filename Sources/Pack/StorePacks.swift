public import Files
import Glibc

/// The files below a store's `packs` folder.
///
/// A link to a folder may replace the folder of a year, a month or a day; such links are followed, each folder once.
/// Links to files are not listed.
public enum StorePacks {
    /// The name of the store's folder of packs.
    public static let folder = "packs"

    /// Marks the name of an earlier pack that could not be carried over completely; a number follows.
    public static let asideMark = PackPath.suffix + ".damaged-"

    /// A file below the packs' folder.
    public struct File: Sendable, Equatable {
        /// The path, relative to the store.
        public var path: String
        /// The last component of the path.
        public var name: String
        /// Its size, times and identity.
        public var entry: OpenFolder.Entry
        /// Whether it was reached from the packs' folder without following a link.
        public var isDirect: Bool

        /// Creates a file.
        public init(path: String, name: String, entry: OpenFolder.Entry, isDirect: Bool) {
            self.path = path
            self.name = name
            self.entry = entry
            self.isDirect = isDirect
        }
    }

    /// A part of the store that could not be read: its files must not be taken for gone.
    public struct Trouble: Sendable, Equatable {
        /// The folder or file, relative to the store.
        public var path: String
        /// The system's error message.
        public var message: String
    }

    /// The packs of a store.
    public struct Listing: Sendable, Equatable {
        /// The packs, in the order of their paths.
        public var packs: [File] = []
        /// Damaged packs that were set aside, in the order of their paths.
        public var aside: [File] = []
        /// What could not be listed.
        public var troubles: [Trouble] = []
        /// The packs' folder does not exist or is empty: it was never used, or its disk is not mounted.
        public var isEmpty = false
    }

    private static let mostLevels = 8

    /// Lists the packs of a store. Errors are returned in `troubles`.
    public static func list(store: String) -> Listing {
        var listing = Listing()
        do throws(FileFailure) {
            let top = try OpenFolder(path: store + "/" + folder)
            var seen: Set<FileIdentity> = [try FileIdentity(of: top.descriptor)]
            let entries = try top.entries()
            listing.isEmpty = entries.isEmpty
            walk(top, entries, folder, isDirect: true, level: 1, &seen, &listing)
        } catch {
            listing.isEmpty = true
            if !error.isAbsence || isLink(store + "/" + folder) {
                listing.troubles.append(Trouble(path: folder, message: error.message))
            }
        }
        listing.packs.sort { $0.path < $1.path }
        listing.aside.sort { $0.path < $1.path }
        return listing
    }

    private static func isLink(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFLNK
    }

    private static func walk(
        _ open: OpenFolder, _ entries: [OpenFolder.Entry], _ path: String, isDirect: Bool, level: Int,
        _ seen: inout Set<FileIdentity>, _ listing: inout Listing
    ) {
        // Folders before links: a pack that is reachable both ways is listed under its real path.
        for entry in entries.filter({ $0.kind != .link }) + entries.filter({ $0.kind == .link }) {
            if isNobodys(entry.name) { continue }
            let place = path + "/" + entry.name
            switch entry.kind {
            case .file:
                let file = File(path: place, name: entry.name, entry: entry, isDirect: isDirect)
                if entry.name.hasSuffix(PackPath.suffix) {
                    listing.packs.append(file)
                } else if entry.name.contains(asideMark) {
                    listing.aside.append(file)
                }
            case .folder, .link:
                guard level < mostLevels else { continue }
                if entry.kind == .link, !leadsToFolder(open, entry, place, &listing) { continue }
                do throws(FileFailure) {
                    let below = try open.folder(entry, followingLink: entry.kind == .link)
                    guard seen.insert(try FileIdentity(of: below.descriptor)).inserted else { continue }
                    walk(
                        below, try below.entries(), place, isDirect: isDirect && entry.kind == .folder,
                        level: level + 1, &seen, &listing)
                } catch {
                    // A folder that was removed meanwhile held no packs.
                    if entry.kind == .folder, error.isAbsence { continue }
                    listing.troubles.append(Trouble(path: place, message: error.message))
                }
            case .other: continue
            }
        }
    }

    private static func leadsToFolder(
        _ open: OpenFolder, _ entry: OpenFolder.Entry, _ place: String, _ listing: inout Listing
    ) -> Bool {
        do throws(FileFailure) {
            if let target = try open.entry(entry.name, followingLink: true) { return target.kind == .folder }
            // A broken link named like a pack is reported where that pack is read.
            guard !entry.name.contains(PackPath.suffix) else { return false }
            listing.troubles.append(Trouble(path: place, message: "the link is broken; is its disk mounted?"))
        } catch {
            listing.troubles.append(Trouble(path: place, message: error.message))
        }
        return false
    }

    // MARK: One pack

    /// Whether a pack is in the store.
    public enum Presence: Sendable, Equatable {
        /// The pack exists.
        case present(OpenFolder.Entry)
        /// The pack does not exist; its folder was read, or does not exist either.
        case absent
        /// It cannot be determined now, for the reason given.
        case unknown(String)
    }

    /// Checks whether a pack exists. Only `ENOENT` and `ENOTDIR` count as absence.
    public static func presence(of pack: String, store: String) -> Presence {
        do throws(PackError) {
            guard let (open, name) = try place(of: pack, store: store) else { return .absent }
            guard let entry = try PackError.wrap(try open.entry(name)) else { return .absent }
            guard entry.kind == .link else { return .present(entry) }
            guard let target = try PackError.wrap(try open.entry(name, followingLink: true)) else {
                return .unknown("the link is broken; is its disk mounted?")
            }
            return .present(target)
        } catch {
            return .unknown(error.message)
        }
    }

    /// Opens the folder of a pack and returns it with the pack's name in it; nil when the folder does not exist.
    ///
    /// - Throws: `PackError` when a folder cannot be opened, a link in the path is broken, or the path is not below the
    ///   packs' folder.
    public static func place(of pack: String, store: String) throws(PackError) -> (folder: OpenFolder, name: String)? {
        let parts = pack.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard isPlace(pack), let name = parts.last else {
            throw PackError(.outOfRange, "the path is not below \(folder)/", path: pack)
        }
        var open = try PackError.wrap(try OpenFolder(path: store))
        for part in parts.dropLast() {
            do throws(FileFailure) {
                open = try open.folder(part, followingLink: true)
            } catch {
                guard error.isAbsence else { throw PackError(error) }
                if try PackError.wrap(try open.entry(part))?.kind == .link {
                    throw PackError(
                        .io, "the link \(open.path)/\(part) is broken; is its disk mounted?", path: pack)
                }
                return nil
            }
        }
        return (open, name)
    }

    /// Whether a path, relative to the store, can be a pack's: below the packs' folder, without `..`, and with the
    /// suffix of packs.
    public static func isPlace(_ pack: String) -> Bool {
        let parts = pack.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count >= 2 && parts.count <= mostLevels + 1 && parts[0] == folder
            && !parts.contains { $0 == ".." || $0 == "." || $0.isEmpty } && pack.hasSuffix(PackPath.suffix)
    }

    // MARK: Every day

    /// Finds all packs with a session's file name, or one of its second names, on any day. The paths are relative to
    /// the store.
    ///
    /// - Parameters:
    ///   - name: the file name of the session's pack.
    ///   - store: the store's folder.
    ///   - first: a pack path on the day the session was created. Earlier days that cannot be read are ignored: they
    ///     hold no pack of it.
    /// - Throws: `PackError` when a folder cannot be listed or a link to one is broken: it may hold a pack of the
    ///   session.
    public static func places(
        ofName name: String, store: String, from first: String? = nil
    ) throws(PackError) -> [String] {
        var found: [String] = []
        try visitDays(
            store: store,
            trouble: { error throws(PackError) in
                guard let first, let path = error.path, isBefore(path, first) else { throw error }
            },
            day: { day, path throws(PackError) in
                if try PackError.wrap(try day.entry(name)) != nil { found.append(path + "/" + name) }
                for number in 1...mostSecondNames {
                    let second = PackPath.second(name, number)
                    guard try PackError.wrap(try day.entry(second)) != nil else { break }
                    found.append(path + "/" + second)
                }
            })
        return found
    }

    /// Whether a folder of a year, a month or a day ends before the day of the path `first`. True for folders that are
    /// no date: they hold no packs.
    private static func isBefore(_ path: String, _ first: String) -> Bool {
        func date(_ path: String) -> ArraySlice<Substring>? {
            let parts = path.split(separator: "/")
            return parts.lastIndex { $0 == folder[...] }.map { parts[($0 + 1)...].prefix(3) }
        }
        guard let own = date(path), !own.isEmpty, let wanted = date(first), wanted.count == 3 else { return false }
        let isDate = zip(own, [4, 2, 2]).allSatisfy { part, digits in
            part.utf8.count == digits && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        return !isDate || own.joined(separator: "/") < wanted.prefix(own.count).joined(separator: "/")
    }

    /// The highest number of a second name, which a pack gets when another session's pack has its name.
    public static let mostSecondNames = 999

    /// Visits the folders of all days of a store, through links to folders as well.
    ///
    /// - Parameters:
    ///   - trouble: called for each folder that exists but cannot be read.
    ///   - day: called with each day's folder and its path, relative to the store.
    static func visitDays(
        store: String, trouble: (PackError) throws(PackError) -> Void,
        day: (OpenFolder, String) throws(PackError) -> Void
    ) throws(PackError) {
        let top: OpenFolder
        do throws(FileFailure) {
            top = try OpenFolder(path: store + "/" + folder)
        } catch {
            if error.isAbsence, !isLink(store + "/" + folder) { return }
            return try trouble(error.isAbsence ? deadLink(folder) : PackError(error))
        }
        try descend(top, folder, levels: 3, trouble, day)
    }

    private static func descend(
        _ open: OpenFolder, _ path: String, levels: Int, _ trouble: (PackError) throws(PackError) -> Void,
        _ day: (OpenFolder, String) throws(PackError) -> Void
    ) throws(PackError) {
        guard levels > 0 else { return try day(open, path) }
        let entries: [OpenFolder.Entry]
        do throws(FileFailure) { entries = try open.entries() } catch { return try trouble(PackError(error)) }
        for entry in entries where mayHoldPacks(entry) {
            let place = path + "/" + entry.name
            let below: OpenFolder
            do throws(PackError) {
                if entry.kind == .link {
                    guard let target = try PackError.wrap(try open.entry(entry.name, followingLink: true)) else {
                        throw deadLink(place)
                    }
                    if target.kind != .folder { continue }
                }
                below = try PackError.wrap(try open.folder(entry, followingLink: entry.kind == .link))
            } catch {
                // A folder that was removed meanwhile held no packs.
                if entry.kind == .folder, error.isAbsence { continue }
                try trouble(error)
                continue
            }
            try descend(below, place, levels: levels - 1, trouble, day)
        }
    }

    private static func mayHoldPacks(_ entry: OpenFolder.Entry) -> Bool {
        guard entry.kind == .folder || entry.kind == .link, !isNobodys(entry.name) else { return false }
        // A broken link named like a pack is reported where that pack is read.
        return !(entry.kind == .link && entry.name.contains(PackPath.suffix))
    }

    /// Whether the name is hidden, or that of the `lost+found` folder at the root of a file system, which only root can
    /// enter.
    private static func isNobodys(_ name: String) -> Bool { name.hasPrefix(".") || name == "lost+found" }

    private static func deadLink(_ path: String) -> PackError {
        PackError(.io, "the link \(path) is broken; is its disk mounted?", path: path)
    }
}
