import COpenAPI
import HTTPTypes
import Hummingbird
import NIOCore

/// The project's own OpenAPI description of the sandbox: `openapi.json` beside this file, which the program carries in
/// itself.
enum OpenAPIDescription {
    /// The address in the file, for tools that read it without asking a server.
    static let placeholder = "http://127.0.0.1:8080"

    /// The file's bytes.
    static var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: openapi_bytes(), count: openapi_count())
    }

    /// The description with `http://AUTHORITY` as its server.
    /// - Parameter authority: what the client calls this server, such as `127.0.0.1:34567`; nil leaves the address of
    ///   the file.
    static func text(authority: String?) -> [UInt8] {
        guard let authority, !authority.isEmpty else { return Array(bytes) }
        var server: [UInt8] = []
        JSONValue.string("http://" + authority).write(into: &server)
        return Array(bytes).replacing(Array("\"\(placeholder)\"".utf8), with: server, maxReplacements: 1)
    }
}

extension SandboxService {
    /// `GET /_sandbox/openapi.json`.
    static func openAPI(_ request: Request) -> Response {
        let text = OpenAPIDescription.text(authority: request.head.authority)
        return Response(
            status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: text)))
    }
}
