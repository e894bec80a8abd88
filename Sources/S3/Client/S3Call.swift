internal import Bytes
internal import Digest
internal import NIOCore
internal import NIOHTTP1

/// One request to a bucket, before it is signed, and what its answer must be.
struct S3Call: Sendable {
    /// What it does, in words that follow "cannot".
    var purpose: String
    var method: HTTPMethod
    /// The object's key, relative to the location's prefix; nil for the bucket itself.
    var key: String?
    var query: [(name: String, value: String)] = []
    /// Headers besides those that every request has. All are signed.
    var headers: [(name: String, value: String)] = []
    private(set) var body = ByteBuffer()
    /// The SHA-256 of the body in hexadecimal digits.
    private(set) var payload = S3Call.emptyPayload
    /// Statuses that mean success.
    var successes = [200]
    /// The most bytes of a body of success.
    var mostBody = 16 << 20
    /// Checks a success further: a fault makes the try fail.
    var check: (@Sendable (S3Answer) -> S3Fault?)?

    init(_ purpose: String, _ method: HTTPMethod, _ key: String?) {
        self.purpose = purpose
        self.method = method
        self.key = key
    }

    /// Sets the body and its hash, on the thread of the caller.
    mutating func setBody(_ bytes: [UInt8]) {
        body = ByteBuffer(bytes: bytes)
        payload = Hex.text(SHA256.digest(bytes))
    }

    private static let emptyPayload = Hex.text(SHA256.digest([]))
}

/// A complete answer.
struct S3Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8] = []

    func header(_ name: String) -> String? { headers.first(name: name) }

    /// The announced length of the body, or of the object in an answer to HEAD.
    var length: UInt64? { header("content-length").flatMap { UInt64($0) } }

    /// The tag of the content without its quotes; nil if there is none.
    var etag: String? {
        header("etag").map { text in
            text.count >= 2 && text.first == "\"" && text.last == "\"" ? String(text.dropFirst().dropLast()) : text
        }
    }

    /// The range of the object that the body is, and the object's size.
    var contentRange: (range: Range<UInt64>, size: UInt64)? {
        guard let text = header("content-range"), text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, ends.count == 2, let size = UInt64(parts[1]), let first = UInt64(ends[0]),
            let last = UInt64(ends[1]), first <= last, last < size
        else { return nil }
        return (first..<(last + 1), size)
    }
}

/// Why a try failed, and whether another one may succeed.
struct S3Fault: Error, Sendable {
    enum Retry: Sendable, Equatable {
        /// No: the answer means no.
        case no
        /// Yes.
        case yes
        /// Yes, and fewer requests at once.
        case slower
        /// Yes, with the server's time, which is ahead of the clock by these milliseconds.
        case clock(Int64)
        /// Yes, with other keys.
        case otherKeys
    }

    var error: S3Error
    var retry: Retry
    /// The wait that the server asked for, in milliseconds.
    var after: Int64?
    /// Whether the server may have done what was asked although no good answer came.
    var mayHaveActed = false
}

/// How a request ended.
struct S3Outcome: Sendable {
    var result: Result<S3Answer, S3Error>
    /// Whether an earlier try, or the last if it failed, may have been carried out without an answer.
    var mayHaveActed = false
}
