import Text

/// The one rule of what can run where; session-run, tag-exists and get-available-locations all ask here.
///
/// A place can host a version when the place is known, the version's folder exists, its image.json can be read and names
/// the place or none, and it has an executable. Of the versions for a place the one with the highest priority is run.
/// A broken one is not passed over in silence: what would use it throws.
struct Hosting: Sendable {
    let images: ImageFolder
    let places: Places
    /// How many host ports there are for all sessions together.
    let portCount: Int

    /// What runs, and where it may.
    struct Choice: Sendable {
        let image: Image
        /// Not empty.
        let places: [Place]
        /// Versions that come after what runs only because their image.json cannot be read.
        var passedOver: [BrokenImage] = []
    }

    /// Where an image runs without a version.
    struct Listing: Sendable {
        let names: [String]
        /// As in `Choice`.
        let passedOver: [BrokenImage]
    }

    /// Whether there is an image of that name, in whatever version.
    func knows(_ image: String) throws(BrokenImage) -> Bool { try images.exists(image) }

    /// What would be started of an image at a region or data centre, in the given version or in the highest; nil when
    /// nothing can be.
    /// - Throws: `BrokenImage` when what would be started is broken.
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

    /// Every name at which an image would be started without a version; nil when there is no such image.
    /// - Throws: `BrokenImage` when at one of them what would be started is broken.
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
