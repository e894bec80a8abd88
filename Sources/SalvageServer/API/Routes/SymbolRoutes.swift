import CrashAnalysis
import Files
import Glibc
import HTTPTypes
import Hummingbird
import JSON
import Model
import NIOCore
import SalvageConfiguration
import Store
import Synchronization

extension APIRoutes {
    /// The operations about symbols.
    static let symbols: [APIRoute] = [
        APIRoute(
            .get, "/symbols", "symbols", "The symbols in the store.", filters([]),
            returns: [.page(of: "Symbol", "The files.")]
        ) { call in
            let query = try call.selection()
            let survey = try await call.store.read { store in
                // Without a catalog there is no store now, rather than one without symbols.
                _ = try store.lastCrashRow()
                return try store.symbolSurvey()
            }
            if let error = survey.unread.first { throw StoreError(error) }
            let (items, next) = try survey.entries.page(query) { $0.kind.rawValue + " " + $0.identity }
            return call.page(items.map { APIShapes.symbol.line($0).utf8 }, next: next)
        },
        APIRoute(
            .get, "/symbols/missing", "symbols-missing",
            "The build ids that crashes need symbols for, most crashes first.",
            crashFilters, returns: [.page(of: "MissingSymbols", "The build ids.")]
        ) { call in
            let query = try call.selection()
            let entries = try await call.store.read { try $0.missingSymbols(query.selection).entries }
            let (items, next) = try entries.page(query) { $0.identity }
            return call.page(items.map { Shapes.missingSymbols.line($0).utf8 }, next: next)
        },
        APIRoute(
            .put, "/symbols", "add-symbols",
            "Adds an executable, a library, a debug file or a Breakpad file, and applies it to the crashes that need it.",
            role: .upload, body: APIBody(type: "application/octet-stream", schema: APISchema(json: Array("{}".utf8))),
            returns: [.object("SymbolsAdded", "What was added.")], failures: [.noSpace]
        ) { call in
            let place = try call.services.transfers.enter()
            let configuration = try call.services.configuration()
            let folder = try await call.store.stream { try TransferFolder(in: $0.path, "symbols") }
            try await SymbolUpload(call: call, folder: folder, reserve: configuration.limits.reserve).receive()
            let report = try await call.store.write { store in
                try store.addSymbols(
                    [folder.path + "/" + SymbolUpload.name], rules: configuration.signatures,
                    allowMissing: configuration.confinement.allowMissing, progress: { _ in })
            }
            withExtendedLifetime(place) {}
            guard !report.addition.added.isEmpty || report.addition.known > 0 else {
                throw ServerFailure(
                    .badRequest, "no_symbols", "the file has no build id and no symbols",
                    hint: "send an executable, a .debug file or a Breakpad .sym file; link with -Wl,--build-id=sha1")
            }
            return call.json(Shapes.symbolsAdded.line(report))
        },
    ]
}

/// Writes the body of a request to a file.
private struct SymbolUpload: Sendable {
    /// The file's name in its folder.
    static let name = "upload"
    /// The largest file, in bytes.
    private static let largest: UInt64 = 4 << 30
    /// How long the body may pause.
    private static let patience = Duration.seconds(30)

    let call: APICall
    let folder: TransferFolder
    let reserve: UInt64

    func receive() async throws {
        let request = call.request
        guard request.isType("application/octet-stream") else {
            throw ServerFailure(
                .unsupportedMediaType, "not_bytes", "the body is not a file",
                hint: "send Content-Type: application/octet-stream")
        }
        if let length = request.headers[.contentLength].flatMap({ UInt64($0) }) {
            guard length <= Self.largest else { throw Self.tooLarge }
            try folder.requireRoom(length, reserve: reserve)
        }
        let received = ByteCount()
        let watchdog = closeIfSilent(received)
        defer { watchdog.cancel() }
        let path = folder.path + "/" + Self.name
        let file = try await call.store.stream { _ in try UploadFile(path) }
        var pieces = request.body.makeAsyncIterator()
        while let piece = try await Self.next(&pieces) {
            let total = received.add(UInt64(piece.readableBytes))
            guard total <= Self.largest else { throw Self.tooLarge }
            let isDue = (total >> 26) != ((total - UInt64(piece.readableBytes)) >> 26)
            try await call.store.stream { [folder, reserve] _ in
                if isDue { try folder.requireRoom(0, reserve: reserve) }
                try file.append(Array(buffer: piece))
            }
        }
    }

    private static func next(_ pieces: inout RequestBody.AsyncIterator) async throws -> ByteBuffer? {
        do { return try await pieces.next() } catch is CancellationError { throw CancellationError() } catch {
            throw Request.broken
        }
    }

    /// Closes the connection when nothing arrives for a while.
    private func closeIfSilent(_ received: ByteCount) -> Task<Void, any Error> {
        let channel = call.context.channel
        return Task {
            var before: UInt64 = 0
            while true {
                try await Task.sleep(for: Self.patience)
                let now = received.value
                if now == before { return channel.close(promise: nil) }
                before = now
            }
        }
    }

    private static var tooLarge: ServerFailure {
        ServerFailure(.contentTooLarge, "too_large", "the file is larger than 4 GiB")
    }
}

/// The number of bytes that have arrived.
private final class ByteCount: Sendable {
    private let count = Atomic<UInt64>(0)

    var value: UInt64 { count.load(ordering: .relaxed) }

    /// Adds bytes; returns the sum.
    func add(_ bytes: UInt64) -> UInt64 { count.wrappingAdd(bytes, ordering: .relaxed).newValue }
}

/// A file that is written from its beginning. One request uses it.
private final class UploadFile: @unchecked Sendable {
    // Unchecked: the request waits for each call before it makes the next.
    private let descriptor: Int32
    private let path: String

    init(_ path: String) throws {
        self.path = path
        do throws(FileFailure) {
            descriptor = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode: 0o600)
        } catch { throw StoreError(error) }
    }

    deinit { close(descriptor) }

    func append(_ bytes: [UInt8]) throws {
        do throws(FileFailure) { try Descriptor.write(descriptor, bytes, path: path) } catch {
            guard error.isFull else { throw StoreError(error) }
            throw ServerFailure(
                .noSpace, "no_space", "the disk of the store is full", hint: "salvage prune --dry-run")
        }
    }
}
