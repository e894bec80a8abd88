import Glibc

/// The files below a store's `packs` folder.
///
/// Whoever runs the store may put a link to a folder in place of a year, a month or a day; such links are followed, each
/// folder once. Links to files are not listed.
public enum StorePacks {
    /// The folder of a store that holds the packs.
    public static let folder = "packs"

    /// Stands in the name of an earlier pack that could not be carried over as a whole, before its number.
    public static let asideMark = PackPath.suffix + ".damaged-"

    /// One file.
    public struct File: Sendable, Equatable {
        /// Relative to the store.
        public var path: String
        /// The last component of the path.
        public var name: String
        /// Its size, times and identity.
        public var entry: OpenFolder.Entry
        /// No link was followed on the way from the packs' folder.
        public var isDirect: Bool

        /// A file by its facts.
        public init(path: String, name: String, entry: OpenFolder.Entry, isDirect: Bool) {
            self.path = path
            self.name = name
            self.entry = entry
            self.isDirect = isDirect
        }
    }

    /// A part of the store that could not be looked at: what lies there is not known to be gone.
    public struct Trouble: Sendable, Equatable {
        /// The folder or file, relative to the store.
        public var path: String
        /// What the system said.
        public var message: String
    }

    /// All of them.
    public struct Listing: Sendable, Equatable {
        /// The packs, in the order of their paths.
        public var packs: [File] = []
        /// Damaged packs that were set aside, in the order of their paths.
        public var aside: [File] = []
        /// What could not be listed.
        public var troubles: [Trouble] = []
        /// There is no packs' folder, or nothing at all in it: never used, or its disk is not mounted.
        public var isEmpty = false
    }

    private static let mostLevels = 8

    /// Lists the packs of a store.
    public static func list(store: String) -> Listing {
        var listing = Listing()
        do throws(PackError) {
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
        // Folders themselves before links to them: what is reached both ways has its own path.
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
                do throws(PackError) {
                    let below = try open.folder(entry, followingLink: entry.kind == .link)
                    guard seen.insert(try FileIdentity(of: below.descriptor)).inserted else { continue }
                    walk(
                        below, try below.entries(), place, isDirect: isDirect && entry.kind == .folder,
                        level: level + 1, &seen, &listing)
                } catch {
                    // A folder that went away meanwhile held no pack any more.
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
        do throws(PackError) {
            if let target = try open.entry(entry.name, followingLink: true) { return target.kind == .folder }
            // A link to a file that is gone is that file's matter.
            guard !entry.name.contains(PackPath.suffix) else { return false }
            listing.troubles.append(Trouble(path: place, message: "the link leads nowhere; is its disk mounted?"))
        } catch {
            listing.troubles.append(Trouble(path: place, message: error.message))
        }
        return false
    }

    // MARK: One pack

    /// What became of one pack.
    public enum Presence: Sendable, Equatable {
        /// It is there.
        case present(OpenFolder.Entry)
        /// It is not, and its folder could be looked at, or is gone with all in it.
        case absent
        /// Nobody can tell now, and why.
        case unknown(String)
    }

    /// Looks whether a pack is there; only the system's word that a name does not exist counts as absence.
    public static func presence(of pack: String, store: String) -> Presence {
        do throws(PackError) {
            guard let (open, name) = try place(of: pack, store: store) else { return .absent }
            guard let entry = try open.entry(name) else { return .absent }
            guard entry.kind == .link else { return .present(entry) }
            guard let target = try open.entry(name, followingLink: true) else {
                return .unknown("the link leads nowhere; is its disk mounted?")
            }
            return .present(target)
        } catch {
            return .unknown(error.message)
        }
    }

    /// The open folder of a pack and its name in it; nil when the folder does not exist.
    ///
    /// - Throws: `PackError` when a folder cannot be opened, a link on the way leads nowhere, or the path does not lie
    ///   below the packs' folder.
    public static func place(of pack: String, store: String) throws(PackError) -> (folder: OpenFolder, name: String)? {
        let parts = pack.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard isPlace(pack), let name = parts.last else {
            throw PackError(.outOfRange, "the path does not lie below \(folder)/", path: pack)
        }
        var open = try OpenFolder(path: store)
        for part in parts.dropLast() {
            do throws(PackError) {
                open = try open.folder(part, followingLink: true)
            } catch {
                guard error.isAbsence else { throw error }
                if try open.entry(part)?.kind == .link {
                    throw PackError(
                        .io, "the link \(open.path)/\(part) leads nowhere; is its disk mounted?", path: pack)
                }
                return nil
            }
        }
        return (open, name)
    }

    /// Whether a path, relative to the store, can be that of a pack: below the packs' folder, without `..`.
    public static func isPlace(_ pack: String) -> Bool {
        let parts = pack.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count >= 2 && parts.count <= mostLevels + 1 && parts[0] == folder
            && !parts.contains { $0 == ".." || $0 == "." || $0.isEmpty } && pack.hasSuffix(PackPath.suffix)
    }

    // MARK: Every day

    /// The paths, relative to the store, of all packs that have the name of a session, or a second one, on any day.
    ///
    /// - Parameters:
    ///   - name: the session's file name.
    ///   - first: a place of the day on which the session was created: what cannot be looked at of earlier days holds
    ///     nothing of it.
    /// - Throws: `PackError` when a folder cannot be listed or a link to one leads nowhere: what lies there is not known.
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
                if try day.entry(name) != nil { found.append(path + "/" + name) }
                for number in 1...mostSecondNames {
                    let second = PackPath.second(name, number)
                    guard try day.entry(second) != nil else { break }
                    found.append(path + "/" + second)
                }
            })
        return found
    }

    /// Whether a folder of a year, a month or a day ends before the day of a place; one that is none of these holds no pack.
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

    /// As many packs of other sessions may stand in a session's way.
    public static let mostSecondNames = 999

    /// Visits the folders of all days of a store, through links to folders as well.
    ///
    /// - Parameters:
    ///   - trouble: hears of each folder that is there and cannot be looked at.
    ///   - day: gets each day's folder, and its path relative to the store.
    static func visitDays(
        store: String, trouble: (PackError) throws(PackError) -> Void,
        day: (OpenFolder, String) throws(PackError) -> Void
    ) throws(PackError) {
        let top: OpenFolder
        do throws(PackError) {
            top = try OpenFolder(path: store + "/" + folder)
        } catch {
            if error.isAbsence, !isLink(store + "/" + folder) { return }
            return try trouble(error.isAbsence ? deadLink(folder) : error)
        }
        try descend(top, folder, levels: 3, trouble, day)
    }

    private static func descend(
        _ open: OpenFolder, _ path: String, levels: Int, _ trouble: (PackError) throws(PackError) -> Void,
        _ day: (OpenFolder, String) throws(PackError) -> Void
    ) throws(PackError) {
        guard levels > 0 else { return try day(open, path) }
        let entries: [OpenFolder.Entry]
        do throws(PackError) { entries = try open.entries() } catch { return try trouble(error) }
        for entry in entries where mayHoldPacks(entry) {
            let place = path + "/" + entry.name
            let below: OpenFolder
            do throws(PackError) {
                if entry.kind == .link {
                    guard let target = try open.entry(entry.name, followingLink: true) else { throw deadLink(place) }
                    if target.kind != .folder { continue }
                }
                below = try open.folder(entry, followingLink: entry.kind == .link)
            } catch {
                // A folder that was removed meanwhile held no pack any more.
                if entry.kind == .folder, error.isAbsence { continue }
                try trouble(error)
                continue
            }
            try descend(below, place, levels: levels - 1, trouble, day)
        }
    }

    private static func mayHoldPacks(_ entry: OpenFolder.Entry) -> Bool {
        guard entry.kind == .folder || entry.kind == .link, !isNobodys(entry.name) else { return false }
        // A link to a file that is gone is that file's matter.
        return !(entry.kind == .link && entry.name.contains(PackPath.suffix))
    }

    /// Hidden names, and the folder that a file system of its own has at its top, which only root can enter.
    private static func isNobodys(_ name: String) -> Bool { name.hasPrefix(".") || name == "lost+found" }

    private static func deadLink(_ path: String) -> PackError {
        PackError(.io, "the link \(path) leads nowhere; is its disk mounted?", path: path)
    }
}
