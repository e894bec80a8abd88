import COpenAPI
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Text

/// The project's OpenAPI description of the sandbox: `openapi.json` next to this file, embedded in the program.
enum OpenAPIDescription {
    /// The server address in the file, for tools that read the file itself.
    static let placeholder = "http://127.0.0.1:8080"

    /// The file's bytes.
    static var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: openapi_bytes(), count: openapi_count())
    }

    /// Returns the description with `http://AUTHORITY` as its server.
    /// - Parameter authority: the server's address as the client uses it, such as `127.0.0.1:34567`; nil keeps the
    ///   address in the file.
    static func text(authority: String?) -> [UInt8] {
        guard let authority, !authority.isEmpty else { return Array(bytes) }
        var server: [UInt8] = []
        JSONValue.string("http://" + authority).write(to: &server)
        return Array(bytes).replacing(Array("\"\(placeholder)\"".utf8), with: server, maxReplacements: 1)
    }

    /// Returns the description without a token: `security` is removed from the document and its operations.
    static func open(_ text: [UInt8]) -> [UInt8] {
        guard let whole = try? JSONValue(parsing: text) else { return text }
        let open = whole.without("security").changing("paths") { paths in
            paths.changingAll { path in path.changingAll { $0.without("security") } }
        }
        return open.utf8
    }

    /// Returns the text if it is a host name or address with an optional port; else nil.
    static func authority(_ text: String?) -> String? {
        guard let text else { return nil }
        var rest = Array(text.utf8)[...]
        let host: ArraySlice<UInt8>
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = rest[(rest.startIndex + 1)..<end]
            guard host.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }) else {
                return nil
            }
            rest = rest[(end + 1)...]
        } else {
            host = rest.prefix { $0 != UInt8(ascii: ":") }
            guard host.allSatisfy({ isLetterOrDigit($0) || "-._~".utf8.contains($0) }) else { return nil }
            rest = rest.dropFirst(host.count)
        }
        guard !host.isEmpty else { return nil }
        guard !rest.isEmpty else { return text }
        let digits = rest.dropFirst()
        guard rest.first == UInt8(ascii: ":"), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            UInt16(String(decoding: digits, as: UTF8.self)) != nil
        else { return nil }
        return text
    }

    /// The local address of a connection; nil when it has none.
    static func authority(_ address: SocketAddress?) -> String? {
        guard let host = address?.ipAddress, let port = address?.port else { return nil }
        return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}

extension JSONValue {
    fileprivate func without(_ name: String) -> JSONValue {
        members.map { .object($0.filter { !$0.name.hasSameBytes(as: name) }) } ?? self
    }

    fileprivate func changing(_ name: String, _ change: (JSONValue) -> JSONValue) -> JSONValue {
        members.map { .object($0.map { $0.name.hasSameBytes(as: name) ? Member($0.name, change($0.value)) : $0 }) }
            ?? self
    }

    fileprivate func changingAll(_ change: (JSONValue) -> JSONValue) -> JSONValue {
        members.map { .object($0.map { Member($0.name, change($0.value)) }) } ?? self
    }
}

extension SandboxService {
    /// `GET /_sandbox/openapi.json`.
    func openAPI(_ request: Request, channel: any Channel) -> Response {
        let authority =
            OpenAPIDescription.authority(request.head.authority)
            ?? OpenAPIDescription.authority(channel.localAddress)
        let text = OpenAPIDescription.text(authority: authority)
        let served = configuration.requiresToken ? text : OpenAPIDescription.open(text)
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: served)))
    }
}
