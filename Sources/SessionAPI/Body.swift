internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// A piece of a response body, as it came from the network.
public struct BodyChunk: Sendable {
    let buffer: ByteBuffer

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    /// A piece of these bytes.
    public init(_ bytes: some Sequence<UInt8>) {
        buffer = ByteBuffer(bytes: bytes)
    }

    /// Number of bytes.
    public var count: Int { buffer.readableBytes }

    /// Lends the bytes; they are valid during the call only.
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

/// What a response says about its body before the body comes.
public struct BodyHead: Sendable, Equatable {
    /// How the end of a body is recognised.
    public enum Framing: Sendable, Equatable {
        /// The server announced this many bytes; fewer are an error.
        case length(Int64)
        /// Chunked transfer coding; a missing last chunk is an error.
        case chunked
        /// The end of the connection is the end of the body: nothing tells a complete body from a cut one.
        case untilClose
    }

    /// HTTP status.
    public var status: Int
    /// The server's word for what the body is; servers disagree about archives, so look at the bytes.
    public var contentType: String?
    /// Content coding, such as `gzip`, which is not undone here.
    public var contentEncoding: String?
    /// How the end of the body is recognised.
    public var framing: Framing

    /// Announced length in bytes, nil when there is none.
    public var contentLength: Int64? {
        if case .length(let length) = framing { length } else { nil }
    }

    /// A head from its facts.
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

/// An artifact on its way: what the server said about it, and its bytes.
public struct ArtifactDownload: Sendable {
    /// What the server said about the archive.
    public let head: BodyHead
    /// The archive's bytes, to be iterated once.
    public let body: ByteStream

    /// A download from its parts.
    public init(head: BodyHead = BodyHead(contentType: "application/x-tar"), body: ByteStream) {
        self.head = head
        self.body = body
    }
}
