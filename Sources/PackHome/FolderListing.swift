internal import Files
internal import Glibc
public import Pack

/// Walks the folder of packs. Links to folders are followed, each folder once; links to files are not listed.
extension FolderPackHome {
    /// Deeper folders are not read.
    private static let mostLevels = 8

    /// Lists the files below the folder of packs.
    public func list() -> PackListing {
        var listing = PackListing()
        do throws(FileFailure) {
            guard let top = try OpenFolder(ifPresent: location) else {
                listing.isEmpty = true
                return listing
            }
            var seen: Set<FileIdentity> = [try FileIdentity(of: top.descriptor)]
            let entries = try top.entries()
            listing.isEmpty = entries.isEmpty
            Self.walk(top, entries, PackPath.folder, isBehindLink: false, level: 1, &seen, &listing)
        } catch {
            listing.isEmpty = true
            // One that was removed meanwhile held no packs.
            if !error.isAbsence {
                listing.troubles.append(.init(path: PackPath.folder, message: error.message))
            }
        }
        listing.packs.sort { $0.path < $1.path }
        listing.aside.sort { $0.path < $1.path }
        return listing
    }

    private static func walk(
        _ open: OpenFolder, _ entries: [OpenFolder.Entry], _ path: String, isBehindLink: Bool, level: Int,
        _ seen: inout Set<FileIdentity>, _ listing: inout PackListing
    ) {
        // Folders before links: a pack that is reachable both ways is listed under its real path.
        for entry in entries.filter({ $0.kind != .link }) + entries.filter({ $0.kind == .link }) {
            if isIgnored(entry.name) { continue }
            let place = path + "/" + entry.name
            switch entry.kind {
            case .file:
                if PackPath.isPlace(place) {
                    listing.packs.append(StoredPack(entry, path: place, isBehindLink: isBehindLink))
                } else if entry.name.contains(PackPath.asideMark) {
                    listing.aside.append(StoredPack(entry, path: place, isBehindLink: isBehindLink))
                }
            case .folder, .link:
                guard level < mostLevels else { continue }
                if entry.kind == .link, !leadsToFolder(open, entry, place, &listing) { continue }
                do throws(FileFailure) {
                    let below = try open.folder(entry, followingLink: entry.kind == .link)
                    guard seen.insert(try FileIdentity(of: below.descriptor)).inserted else { continue }
                    walk(
                        below, try below.entries(), place, isBehindLink: isBehindLink || entry.kind == .link,
                        level: level + 1, &seen, &listing)
                } catch {
                    // A folder that was removed meanwhile held no packs.
                    if entry.kind == .folder, error.isAbsence { continue }
                    listing.troubles.append(.init(path: place, message: error.message))
                }
            case .other: continue
            }
        }
    }

    private static func leadsToFolder(
        _ open: OpenFolder, _ entry: OpenFolder.Entry, _ place: String, _ listing: inout PackListing
    ) -> Bool {
        do throws(FileFailure) {
            if let target = try open.entry(entry.name, followingLink: true) { return target.kind == .folder }
            // A broken link named like a pack is reported where that pack is read.
            guard !entry.name.contains(PackPath.suffix) else { return false }
            listing.troubles.append(.init(path: place, message: "the link is broken; is its disk mounted?"))
        } catch {
            listing.troubles.append(.init(path: place, message: error.message))
        }
        return false
    }

    // MARK: Every day

    /// The paths of a session's packs, found by their names in the folders of all days.
    public func paths(of session: String, from first: String?) throws(PackError) -> [String] {
        let former = PackPath.formerFileName(session: session)
        let names = [PackPath.fileName(session: session)] + (former.map { [$0] } ?? [])
        var found: [String] = []
        try visitDays(
            trouble: { error throws(PackError) in
                guard let first, let path = error.path, Self.isBefore(path, first) else { throw error }
            },
            day: { day, path throws(PackError) in
                for name in names {
                    if try PackError.wrap(try day.entry(name)) != nil { found.append(path + "/" + name) }
                    for number in 1...PackPath.mostSecondNames {
                        let second = PackPath.second(name, number)
                        guard try PackError.wrap(try day.entry(second)) != nil else { break }
                        found.append(path + "/" + second)
                    }
                }
            })
        return found
    }

    /// Whether a folder of a year, a month or a day ends before the day of the path `first`. True for folders that are
    /// no date: they hold no packs.
    private static func isBefore(_ path: String, _ first: String) -> Bool {
        func date(_ path: String) -> ArraySlice<Substring>? {
            let parts = path.split(separator: "/")
            return parts.lastIndex { $0 == PackPath.folder[...] }.map { parts[($0 + 1)...].prefix(3) }
        }
        guard let own = date(path), !own.isEmpty, let wanted = date(first), wanted.count == 3 else { return false }
        let isDate = zip(own, [4, 2, 2]).allSatisfy { part, digits in
            part.utf8.count == digits && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        return !isDate || own.joined(separator: "/") < wanted.prefix(own.count).joined(separator: "/")
    }

    /// Visits the folders of all days, through links to folders as well.
    ///
    /// - Parameters:
    ///   - trouble: called for each folder that exists but cannot be read.
    ///   - day: called with each day's folder and its path, relative to the store.
    func visitDays(
        trouble: (PackError) throws(PackError) -> Void, day: (OpenFolder, String) throws(PackError) -> Void
    ) throws(PackError) {
        let top: OpenFolder
        do throws(FileFailure) {
            guard let found = try OpenFolder(ifPresent: location) else { return }
            top = found
        } catch {
            return try trouble(error.errno == ENOLINK ? Self.deadLink(PackPath.folder) : PackError(error))
        }
        try Self.descend(top, PackPath.folder, levels: 3, trouble, day)
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
        guard entry.kind == .folder || entry.kind == .link, !isIgnored(entry.name) else { return false }
        // A broken link named like a pack is reported where that pack is read.
        return !(entry.kind == .link && entry.name.contains(PackPath.suffix))
    }

    /// Whether the name is hidden, or that of the `lost+found` folder at the root of a file system, which only root can
    /// enter.
    private static func isIgnored(_ name: String) -> Bool { name.hasPrefix(".") || name == "lost+found" }

    private static func deadLink(_ path: String) -> PackError {
        PackError(.io, "the link \(path) is broken; is its disk mounted?", path: path)
    }
}
