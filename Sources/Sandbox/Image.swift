import FoundationEssentials

/// An image: a folder `NAME/VERSION/` with an executable and, if it wishes, an `image.json`.
struct Image: Sendable {
    let name: String
    let version: String
    let folder: String
    let description: Description

    /// The optional `image.json`.
    struct Description: Codable, Sendable {
        /// The executable inside the folder; else `server`, else the only executable file.
        var executable: String?
        /// Arguments given before those of session-run.
        var args: [String]?
        /// Environment under that of session-run.
        var env: [String: String]?
        /// Container ports such as `7777/udp`; one of `7777/udp` unless told otherwise.
        var ports: [String]?
        /// Where the process starts, inside the session's root; `/` unless told otherwise.
        var workdir: String?
        /// Raw labels of the image, shown beside `tags`, `env` and `gameye`.
        var labels: [String: String]?
        /// The locations that can host it; all unless told otherwise.
        var locations: [String]?
        /// False runs the executable where it lies instead of copying the folder into each session's root.
        var copy: Bool?
    }

    var labels: [(String, String)] {
        (description.labels ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The container's ports with their protocol.
    var ports: [(type: String, number: Int)] {
        (description.ports ?? ["7777/udp"]).compactMap { text in
            let parts = text.split(separator: "/")
            guard let number = parts.first.flatMap({ Int($0) }), (1...65_535).contains(number) else { return nil }
            let type = parts.count > 1 ? String(parts[1]) : "tcp"
            return type == "tcp" || type == "udp" ? (type, number) : nil
        }
    }

    func hosted(in location: String) -> Bool { description.locations.map { $0.contains(location) } ?? true }
}

/// The folder of images. It is read at each request, so that an image can be added while the server runs.
struct ImageFolder: Sendable {
    let path: String

    func exists(_ name: String) -> Bool {
        guard let folder = Self.join(path, name) else { return false }
        return Self.isFolder(folder)
    }

    /// The image of that version; nil for no version takes the highest, by numeric parts.
    func image(_ name: String, version: String?) -> Image? {
        guard let base = Self.join(path, name), Self.isFolder(base) else { return nil }
        guard let version = version ?? versions(name).last, let folder = Self.join(base, version),
            Self.isFolder(folder)
        else { return nil }
        var description = Image.Description()
        if let data = FileManager.default.contents(atPath: folder + "/image.json") {
            guard let read = try? JSONDecoder().decode(Image.Description.self, from: data) else { return nil }
            description = read
        }
        return Image(name: name, version: version, folder: folder, description: description)
    }

    /// From the lowest to the highest.
    func versions(_ name: String) -> [String] {
        guard let base = Self.join(path, name) else { return [] }
        let all = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
        return all.filter { Self.isFolder(base + "/" + $0) }.sorted(by: Self.isLower)
    }

    /// The executable's path relative to the image's folder.
    static func executable(of image: Image) -> String? {
        if let named = image.description.executable { return named }
        if isExecutable(image.folder + "/server") { return "server" }
        let all = (try? FileManager.default.contentsOfDirectory(atPath: image.folder)) ?? []
        let candidates = all.filter { isExecutable(image.folder + "/" + $0) }
        return candidates.count == 1 ? candidates.first : nil
    }

    /// Nil when the name would leave the folder: names come from callers.
    private static func join(_ base: String, _ name: String) -> String? {
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= 255,
            !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
        else { return nil }
        return base + "/" + name
    }

    private static func isFolder(_ path: String) -> Bool {
        var folder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &folder) && folder
    }

    private static func isExecutable(_ path: String) -> Bool {
        !isFolder(path) && FileManager.default.isExecutableFile(atPath: path)
    }

    private static func isLower(_ one: String, _ other: String) -> Bool {
        func key(_ text: String) -> [(Int, String)] {
            text.split(whereSeparator: { ".-_+".contains($0) }).map { (Int($0) ?? -1, String($0)) }
        }
        for (left, right) in zip(key(one), key(other)) where left != right { return left < right }
        return one < other
    }
}
