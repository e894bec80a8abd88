import HTTPTypes
import Hummingbird
import Text

/// Where a request goes: the path below the server's base path, in segments, still encoded.
struct RequestTarget: Sendable {
    /// The path without the base path, and the query with its mark.
    let path: String
    let query: String
    /// The parts between slashes, empty ones left out.
    let segments: [String]

    init(_ request: Request, basePath: String) {
        let target = request.head.path ?? "/"
        // Bytes, not characters: a combining mark may follow a slash.
        let bytes = target.utf8
        let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        var path = Substring(bytes[..<end])
        if !basePath.isEmpty, path.hasBytePrefix(basePath) {
            let rest = Substring(path.utf8.dropFirst(basePath.utf8.count))
            if rest.isEmpty || rest.utf8.first == UInt8(ascii: "/") { path = rest }
        }
        self.path = path.isEmpty ? "/" : String(path)
        query = String(Substring(bytes[end...]))
        segments = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    }

    /// Whether it is for the API.
    var isAPI: Bool { segments.starts(with: ["api", "v1"]) }

    /// Whether everybody may see it: the page to sign in, and the style sheet.
    var isPublic: Bool { segments.first == "assets" || segments == ["sign-in"] }

    /// The same request without the base path.
    func inner(_ request: Request) -> Request {
        guard request.head.path != path + query else { return request }
        var head = request.head
        head.path = path + query
        return Request(head: head, body: request.body)
    }
}
