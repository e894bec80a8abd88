import AsyncHTTPClient
import Files
import Glibc
import JSON
import NIOCore
import NIOHTTP1
import SalvageConfiguration
import Store
import Terminal
import Text

/// Sends symbol files to a salvage server: `PUT /api/v1/symbols`, one file each.
struct SymbolUpload {
    /// What the server says about one file, or the sums over several.
    struct Answer {
        var added = 0
        var addedBytes: UInt64 = 0
        var known = 0
        var skipped = 0
        var withoutBuildID: [String] = []
        var crashes = 0
        var signatures = 0
        var awaitingSymbols = 0

        mutating func join(_ other: Answer) {
            added &+= other.added
            addedBytes &+= other.addedBytes
            known &+= other.known
            skipped &+= other.skipped
            withoutBuildID += other.withoutBuildID
            crashes &+= other.crashes
            signatures &+= other.signatures
            awaitingSymbols = other.awaitingSymbols
        }
    }

    let address: String
    let token: APIToken
    private let client = SymbolHTTP.client(silence: 600)
    private static let longestAnswer = 1 << 20

    init(address: String, token: APIToken) {
        self.address = address
        self.token = token
    }

    /// Closes the connections.
    func end() async {
        // What the server answered is known by now.
        _ = try? await client.shutdown()
    }

    /// Sends one file, read from the disk as it is sent.
    ///
    /// - Throws: a `Failure`: `tryAgain` if the server cannot be reached, `notAuthorised` if it refuses the token,
    ///   `failure` if it refuses the file.
    func send(_ path: String) async throws -> Answer {
        let file: OpenFile
        let size: UInt64
        do throws(FileFailure) {
            file = try OpenFile(path, O_RDONLY | O_NONBLOCK)
            size = try Descriptor.size(file.descriptor, path: path)
        } catch {
            throw Failure("unreadable", "cannot read the file: \(error.reason)", path: path)
        }
        var request = HTTPClientRequest(url: address + "/api/v1/symbols")
        request.method = .PUT
        request.headers.add(name: "authorization", value: "Bearer \(token.value)")
        request.headers.add(name: "content-type", value: "application/octet-stream")
        request.headers.add(name: "accept", value: "application/json")
        request.headers.add(name: "user-agent", value: "salvage/\(salvageVersion)")
        request.body = .stream(FilePieces(file: file), length: .known(Int64(clamping: size)))
        let status: Int
        let body: ByteBuffer
        do {
            let response = try await client.execute(request, deadline: .now() + .hours(6))
            status = Int(response.status.code)
            body = try await response.body.collect(upTo: Self.longestAnswer)
        } catch let error as FileFailure {
            throw Failure("unreadable", "cannot read the file: \(error.reason)", path: path)
        } catch {
            throw Failure(
                "server_unreachable", "the server at \(address) did not answer: \(SymbolHTTP.words(error))", path: path,
                hint: "check the address and the network, then run the command again", status: .tryAgain)
        }
        return try answer(status, Array(body.readableBytesView), path)
    }

    private func answer(_ status: Int, _ body: [UInt8], _ path: String) throws -> Answer {
        // A proxy's page is no JSON; the status says enough then.
        let value = try? JSONValue(parsing: body)
        guard (200...299).contains(status) else {
            let said = value?["message"]?.string.map { ": \($0)" } ?? ""
            let exit: ExitStatus =
                switch status {
                case 401, 403: .notAuthorised
                case 408, 429, 500...599: .tryAgain
                default: .failure
                }
            throw Failure(
                value?["code"]?.string ?? "server_refused", "the server answered with status \(status)\(said)",
                path: path,
                hint: value?["hint"]?.string
                    ?? (exit == .notAuthorised ? "use a token with the role upload" : nil), status: exit)
        }
        guard let value, let added = value["added"]?.int64 else {
            throw Failure(
                "server_refused", "the answer is not that of a salvage server", path: path,
                hint: "check the address \(address)")
        }
        func number(_ name: String) -> Int { Int(clamping: max(0, value[name]?.int64 ?? 0)) }
        var answer = Answer()
        answer.added = Int(clamping: max(0, added))
        answer.addedBytes = value["added_bytes"]?.uint64 ?? 0
        answer.known = number("known")
        answer.skipped = number("skipped")
        // The server knows the file by another name.
        if value["without_build_id"]?.array?.isEmpty == false { answer.withoutBuildID = [path] }
        answer.crashes = number("crashes")
        answer.signatures = number("signatures")
        answer.awaitingSymbols = number("awaiting_symbols")
        return answer
    }
}

extension SymbolUpload.Answer {
    /// Writes what was added, as `symbols add` does for the own store.
    func write(to output: Output) {
        guard !output.json else {
            var line = JSONLine()
            line.add("added", added)
            line.add("added_bytes", addedBytes)
            line.add("known", known)
            line.add("skipped", skipped)
            line.add("without_build_id", withoutBuildID)
            line.add("crashes", crashes)
            line.add("signatures", signatures)
            line.add("awaiting_symbols", awaitingSymbols)
            return output.line(line)
        }
        output.text(
            "added \(counted(added, "file")), \(SizeText.binary(addedBytes)); \(known) known, \(skipped) not symbols")
        if crashes > 0 {
            output.text(
                "symbolicated \(counted(crashes, "crash", "crashes")); \(signatures) got a new signature")
        }
        for path in withoutBuildID.prefix(20) {
            output.text(output.style.yellow("no build id: ") + Escape.display(path))
        }
    }
}

/// A file as the body of a request, read as it is sent.
private struct FilePieces: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    let file: OpenFile

    struct AsyncIterator: AsyncIteratorProtocol {
        let file: OpenFile
        var offset: UInt64 = 0

        mutating func next() async throws -> ByteBuffer? {
            let bytes = try file.read(at: offset, count: 256 << 10)
            offset &+= UInt64(bytes.count)
            return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file) }
}
