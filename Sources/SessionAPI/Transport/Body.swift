internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// A piece of a response body, as received from the network.
public struct BodyChunk: Sendable {
    let buffer: ByteBuffer

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    /// Creates a piece from bytes.
    public init(_ bytes: some Sequence<UInt8>) {
        buffer = ByteBuffer(bytes: bytes)
    }

    /// Number of bytes.
    public var count: Int { buffer.readableBytes }

    /// Calls `body` with the bytes, which are valid during the call only.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outcome: Swift.Result<Result, Failure> = buffer.withUnsafeReadableBytes { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// A copy of the bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}

/// What the response headers say about the body.
public struct BodyHead: Sendable, Equatable {
    /// How the end of a body is recognized.
    public enum Framing: Sendable, Equatable {
        /// The server announced this number of bytes; fewer are an error.
        case length(Int64)
        /// Chunked transfer coding; a missing last chunk is an error.
        case chunked
        /// The end of the connection is the end of the body: a truncated body looks like a complete one.
        case untilClose
    }

    /// HTTP status.
    public var status: Int
    /// The `Content-Type` header. Servers disagree about archives: look at the bytes.
    public var contentType: String?
    /// The `Content-Encoding` header, such as `gzip`. The body is not decoded here.
    public var contentEncoding: String?
    /// How the end of the body is recognized.
    public var framing: Framing

    /// Announced length in bytes, nil when there is none.
    public var contentLength: Int64? {
        if case .length(let length) = framing { length } else { nil }
    }

    /// Creates a head.
    public init(
        status: Int = 200, contentType: String? = nil, contentEncoding: String? = nil, framing: Framing = .chunked
    ) {
        self.status = status
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.framing = framing
    }

    init(_ response: HTTPClientResponse) {
        status = Int(response.status.code)
        contentType = response.headers.first(name: "content-type")
        contentEncoding = response.headers.first(name: "content-encoding")
        let codings = response.headers[canonicalForm: "transfer-encoding"]
        if codings.contains(where: { $0.lowercased() == "chunked" }) {
            framing = .chunked
        } else if let text = response.headers.first(name: "content-length"), let length = Int64(text) {
            framing = .length(length)
        } else {
            framing = .untilClose
        }
    }
}

/// A download of an artifact: the response head and the stream of bytes.
public struct ArtifactDownload: Sendable {
    /// The head of the response.
    public let head: BodyHead
    /// The archive's bytes; can be iterated once.
    public let body: ByteStream

    /// Creates a download.
    public init(head: BodyHead = BodyHead(contentType: "application/x-tar"), body: ByteStream) {
        self.head = head
        self.body = body
    }
}
