import Text

/// The one rule of what can run where; session-run, tag-exists and get-available-locations all ask here.
///
/// A place can host a version when the place is known, the version's folder exists, its image.json can be read and names
/// the place or none, and it has an executable. Of the versions for a place the one with the highest priority is run.
/// A broken one is not passed over in silence: what would use it throws.
struct Hosting: Sendable {
    let images: ImageFolder
    let places: Places

    /// What runs, and where it may.
    struct Choice: Sendable {
        let image: Image
        /// Not empty.
        let places: [Place]
    }

    /// Whether there is an image of that name, in whatever version.
    func knows(_ image: String) throws(BrokenImage) -> Bool { try images.exists(image) }

    /// What would be started of an image at a region or data centre, in the given version or in the highest; nil when
    /// nothing can be.
    /// - Throws: `BrokenImage` when what would be started is broken.
    func choice(_ image: String, version: String?, at location: String) throws(BrokenImage) -> Choice? {
        let candidates = places.called(location)
        guard !candidates.isEmpty else { return nil }
        guard let version else { return try Self.first(of: try images.entries(image), at: candidates) }
        return try Self.first(of: try images.entry(image, version: version).map { [$0] } ?? [], at: candidates)
    }

    /// Every name at which an image would be started without a version; nil when there is no such image.
    /// - Throws: `BrokenImage` when at one of them what would be started is broken.
    func locations(_ image: String) throws(BrokenImage) -> [String]? {
        guard try images.exists(image) else { return nil }
        let entries = try images.entries(image)
        var names: [String] = []
        for name in places.names where try Self.first(of: entries, at: places.called(name)) != nil {
            names.append(name)
        }
        return names
    }

    private static func first(of entries: [ImageEntry], at candidates: [Place]) throws(BrokenImage) -> Choice? {
        for entry in entries {
            let places = entry.admitted(of: candidates)
            if !places.isEmpty { return Choice(image: try entry.usable(), places: places) }
        }
        return nil
    }
}
