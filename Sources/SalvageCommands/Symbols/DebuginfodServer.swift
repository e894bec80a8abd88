import AsyncHTTPClient
import Files
import NIOCore
import NIOHTTP1
import Store
import Text

/// A server that speaks debuginfod's protocol: `GET /buildid/ID/executable` and `…/debuginfo`.
///
/// Nothing but the build id is sent. An answer is bounded in time and size, however slowly or long it comes. A redirect is
/// followed at most three times and only within the scheme.
struct DebuginfodServer: SymbolSource {
    let name: String
    /// The most time for one answer, in milliseconds.
    let timeout: Int64
    private let client: HTTPClient
    private static let mostRedirects = 3

    init(_ address: String, timeout: Int64, client: HTTPClient) {
        name = address
        self.timeout = timeout
        self.client = client
    }

    func download(_ part: SymbolPart, of buildID: String, to file: OpenFile, limit: UInt64) async throws -> Bool {
        let end = ContinuousClock.now + .milliseconds(timeout)
        var address = "\(name)/buildid/\(buildID)/\(part.rawValue)"
        for _ in 0...Self.mostRedirects {
            let response = try await response(address, end)
            switch response.status.code {
            case 200:
                try await receive(response, to: file, limit: limit, end)
                return true
            case 404, 410: return false
            case 301, 302, 303, 307, 308:
                guard let location = response.headers.first(name: "location"),
                    let next = Self.redirect(location, from: address)
                else {
                    throw SymbolSourceFailure("the server redirects to an address that is not followed")
                }
                address = next
            default:
                throw SymbolSourceFailure("the server answered with status \(response.status.code)")
            }
        }
        throw SymbolSourceFailure("the server redirects more than \(Self.mostRedirects) times")
    }

    private func response(_ address: String, _ end: ContinuousClock.Instant) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: address)
        request.headers.add(name: "accept-encoding", value: "identity")
        request.headers.add(name: "user-agent", value: "salvage/\(salvageVersion)")
        let left = end - .now
        guard left > .zero else { throw overdue }
        do { return try await client.execute(request, deadline: .now() + TimeAmount(left)) } catch {
            if error is CancellationError { throw error }
            throw SymbolSourceFailure("no answer: \(SymbolHTTP.words(error))", isUnreachable: true)
        }
    }

    private func receive(
        _ response: HTTPClientResponse, to file: OpenFile, limit: UInt64, _ end: ContinuousClock.Instant
    ) async throws {
        let tooLarge = SymbolSourceFailure("the answer is larger than \(limit) bytes and was refused")
        if let announced = response.headers.first(name: "content-length").flatMap(UInt64.init), announced > limit {
            throw tooLarge
        }
        var size: UInt64 = 0
        var pieces = response.body.makeAsyncIterator()
        while true {
            let piece: ByteBuffer?
            // Silence is ended by the client's own limit, which is not longer.
            do { piece = try await pieces.next() } catch {
                if error is CancellationError { throw error }
                throw SymbolSourceFailure("the answer broke off: \(SymbolHTTP.words(error))")
            }
            guard let piece else { return }
            guard .now < end else { throw overdue }
            size &+= UInt64(piece.readableBytes)
            guard size <= limit else { throw tooLarge }
            try piece.withUnsafeReadableBytes { try file.write($0) }
        }
    }

    private var overdue: SymbolSourceFailure {
        SymbolSourceFailure("the answer took longer than \(timeout / 1000) seconds")
    }

    /// The address that a redirect leads to; nil if it has another scheme or cannot be read.
    static func redirect(_ location: String, from address: String) -> String? {
        guard location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let scheme = address.firstRange(of: "://") else {
            return nil
        }
        let prefix = address[..<scheme.upperBound]
        if location.hasPrefix("//") { return nil }
        if location.hasPrefix("/") {
            let host = address[scheme.upperBound...].prefix { $0 != "/" }
            return prefix + host + location
        }
        guard location.lowercased().hasPrefix(prefix.lowercased()) else { return nil }
        let host = location.dropFirst(prefix.utf8.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return host.contains("@") || !Authority.isUsable(host) ? nil : location
    }
}
