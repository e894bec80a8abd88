import Bytes
import CAssets
import Digest

/// The files that are embedded in the program: templates, style sheet, script and icon.
enum PageAssets {
    /// One file.
    struct Asset: Sendable {
        /// Its name, such as `style.css`.
        let name: String
        /// Its bytes.
        let bytes: [UInt8]
        /// A word that changes with its bytes.
        let version: String
    }

    /// All of them.
    static let all: [Asset] = (0..<salvage_assets_count()).compactMap { index in
        guard let assets = salvage_assets(), let name = assets[index].name, let bytes = assets[index].bytes else {
            return nil
        }
        let content = Array(UnsafeBufferPointer(start: bytes, count: assets[index].count))
        return Asset(
            name: String(cString: name), bytes: content, version: String(Hex.text(SHA256.digest(content)).prefix(8)))
    }

    /// The file with this name that browsers may ask for; nil if there is none. Templates are not served.
    static func served(_ name: String) -> (asset: Asset, type: String)? {
        guard let type = types[name], let asset = all.first(where: { $0.name == name }) else { return nil }
        return (asset, type)
    }

    /// The word of a file's version; empty if there is no such file.
    static func version(of name: String) -> String { served(name)?.asset.version ?? "" }

    private static let types = [
        "style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    ]
}
