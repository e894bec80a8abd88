import Text

/// Decides what can run where, for session-run, tag-exists and get-available-locations.
///
/// A place can host a version when the place is known, the version's folder exists, its image.json can be read and
/// names the place or no place, and it has an executable. Of the versions for a place, the one with the highest
/// priority runs. A broken version is not skipped silently: an operation that would use it throws.
struct Hosting: Sendable {
    let images: ImageFolder
    let places: Places
    /// Number of host ports for all sessions together.
    let portCount: Int

    /// The image to run, and where it can run.
    struct Choice: Sendable {
        let image: Image
        /// Not empty.
        let places: [Place]
        /// Versions whose image.json cannot be read, so that their real priority is unknown.
        var passedOver: [BrokenImage] = []
    }

    /// Where an image can run when no version is given.
    struct Listing: Sendable {
        let names: [String]
        /// As in `Choice`.
        let passedOver: [BrokenImage]
    }

    /// Whether there is an image with this name, in any version.
    func knows(_ image: String) throws(BrokenImage) -> Bool { try images.exists(image) }

    /// The version of an image to start at a region or data center: the given one, or the highest. Nil when there is
    /// none.
    /// - Throws: `BrokenImage` when that version is broken.
    func choice(_ image: String, version: String?, at location: String) throws(BrokenImage) -> Choice? {
        let candidates = places.called(location)
        guard !candidates.isEmpty else { return nil }
        guard let version else {
            let entries = try images.entries(image)
            var choice = try first(of: entries, at: candidates)
            choice?.passedOver = Self.unreadable(entries)
            return choice
        }
        return try first(of: try images.entry(image, version: version).map { [$0] } ?? [], at: candidates)
    }

    /// The names of all places where an image can start when no version is given; nil when there is no such image.
    /// - Throws: `BrokenImage` when the version to start at one of them is broken.
    func locations(_ image: String) throws(BrokenImage) -> Listing? {
        guard try images.exists(image) else { return nil }
        let entries = try images.entries(image)
        var names: [String] = []
        for name in places.names where try first(of: entries, at: places.called(name)) != nil {
            names.append(name)
        }
        return Listing(names: names, passedOver: Self.unreadable(entries))
    }

    private static func unreadable(_ entries: [ImageEntry]) -> [BrokenImage] {
        entries.compactMap { if case .failure(let broken) = $0.description { broken } else { nil } }
    }

    private func first(of entries: [ImageEntry], at candidates: [Place]) throws(BrokenImage) -> Choice? {
        for entry in entries {
            let places = entry.admitted(of: candidates)
            if !places.isEmpty {
                return Choice(image: try entry.usable(portCount: portCount), places: places)
            }
        }
        return nil
    }
}
