import JSON
import Text

/// An image: a folder `NAME/VERSION/` with an executable and optionally an `image.json`.
struct Image: Sendable {
    let name: String
    let version: String
    /// Its folder on this machine.
    let folder: String
    let description: ImageDescription
    /// The executable's path inside the folder.
    let executable: String
}

/// An image that its operator must fix before it can be used.
struct BrokenImage: Error, Sendable {
    /// The file or folder to look at.
    let file: String
    let reason: String

    var text: String { "\(file): \(reason)" }
}

/// The contents of `image.json`, with defaults.
struct ImageDescription: Sendable {
    /// The executable inside the folder; else `server`, else the only executable file.
    var executable: String?
    /// Arguments before those of session-run.
    var args: [String] = []
    /// Environment, overridden by that of session-run.
    var env: [(String, String)] = []
    /// The container's ports with their protocol.
    var ports: [(type: String, number: Int)] = [("udp", 7777)]
    /// Where the process starts, inside the session's root.
    var workdir = ""
    /// Raw labels of the image, shown next to `tags`, `env` and `gameye`.
    var labels: [(String, String)] = []
    /// The regions and data centers that can host it; nil for all.
    var locations: [String]?
    /// False runs the executable in place instead of copying the folder into each session's root.
    var copy = true
    /// Versions with a higher priority are preferred, whatever their names.
    var priority = 0
    /// Unknown keys.
    private(set) var strangers: [String] = []

    init() {}

    private static let keys = [
        "executable", "args", "env", "ports", "workdir", "labels", "locations", "copy", "priority",
    ]

    /// Reads the contents of `file`.
    /// - Throws: `BrokenImage` that names everything wrong with them.
    init(_ bytes: [UInt8], file: String) throws(BrokenImage) {
        guard let members = (try? JSONValue(parsing: bytes))?.members else {
            throw BrokenImage(file: file, reason: "is not a JSON object")
        }
        var body = BodyReader(members.filter { $0.value != .null })
        strangers = body.strangers(to: Self.keys)
        executable = body.text("executable", .notEmptyWithoutNUL)
        args = body.texts("args", .withoutNUL) ?? []
        env = body.environment("env", .withoutNUL)
        labels = body.pairs("labels")
        locations = body.texts("locations", .notEmpty)
        copy = body.flag("copy") ?? true
        priority = body.integer("priority") ?? 0
        workdir = body.text("workdir", .withoutNUL) ?? ""
        checkSize(&body)
        for (name, _) in labels where ["tags", "env", "gameye"].contains(where: { $0.hasSameBytes(as: name) }) {
            body.reject("labels.\(name)", "must have another name: tags, env and gameye are labels of the API")
        }
        for (key, path) in [("executable", executable ?? ""), ("workdir", workdir)] {
            let parts = path.utf8.split(separator: UInt8(ascii: "/"))
            if path.utf8.count > 1024 || parts.contains(where: { $0.count > 255 }) {
                body.reject(key, "must not exceed 1024 bytes, nor 255 between two slashes")
            }
        }
        for (key, path) in [("executable", executable ?? ""), ("workdir", workdir)]
        where path.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) }) {
            body.reject(key, "must not lead out of the folder")
        }
        if let texts = body.texts("ports") {
            ports = []
            for (index, text) in texts.enumerated() {
                guard let port = Self.port(text) else {
                    body.reject("ports[\(index)]", "must be a port and a protocol such as 7777/udp or 7778/tcp")
                    continue
                }
                if ports.contains(where: { $0 == port }) { body.reject("ports[\(index)]", "is a duplicate") }
                ports.append(port)
            }
        }
        guard body.violations.isEmpty else {
            let faults = body.violations.map { "\($0.field) \($0.description)" }
            throw BrokenImage(file: file, reason: faults.joined(separator: "; "))
        }
    }

    /// Checks the kernel's limits for arguments and environment, before the request adds any.
    private func checkSize(_ body: inout BodyReader) {
        let texts =
            args.enumerated().map { ("args[\($0)]", $1.utf8.count) }
            + env.map { ("env.\($0.0)", $0.0.utf8.count + 1 + $0.1.utf8.count) }
        for (field, count) in texts where count >= 128 * 1024 {
            body.reject(field, "must be shorter than 128 KiB")
        }
        // Each text has a terminating zero and an 8-byte pointer.
        if texts.reduce(0, { $0 + $1.1 + 9 }) > 1 << 20 {
            body.reject("args", "must not exceed 1 MiB together with env")
        }
    }

    /// Parses `7777/udp`. A number without a protocol is TCP, as with Docker.
    private static func port(_ text: String) -> (type: String, number: Int)? {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Substring($0) }
        guard let number = Int(parts[0]), (1...65_535).contains(number), parts[0].utf8.first != UInt8(ascii: "+"),
            parts.count <= 2
        else { return nil }
        guard parts.count == 2 else { return ("tcp", number) }
        return ["tcp", "udp"].first { parts[1].hasSameBytes(as: $0) }.map { ($0, number) }
    }
}
