import CFiles
import Files
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore

// Archives of a session's files.
extension SandboxService {
    func artifacts(_ call: Call) async throws -> Response {
        var query = call.query
        guard let id = query.identifier("session") else { throw APIError.unnamed("session") }
        let view = try find(id, call)
        let path = query.required("path")
        try query.close()
        try refuseRunning(view, call)
        var supply = try await supply(view, path: path, call)
        var length: Int?
        let faults = call.faults
        if faults.contentLength == true || faults.oversize == .refuse {
            let (spooled, size) = try await spool(supply)
            supply = spooled
            if faults.oversize == .refuse, size > BodyShape.oversize {
                throw APIError(413, "CONTENT_TOO_LARGE", "The artifact is larger than 100 MB.")
            }
            if faults.contentLength == true { length = size }
        }
        var shape = BodyShape(faults, operation: .artifacts)
        shape.announced = length != nil
        return Response(
            status: .ok, headers: [.contentType: faults.contentType ?? "application/x-tar"],
            body: Self.body(supply, length: length, shape: shape, channel: call.channel))
    }

    /// The session, if its container exists.
    private func find(_ id: String, _ call: Call) throws(APIError) -> SessionView {
        let gone = APIError.notFound(
            "The container is gone.", details: "The lifespan of the container of session \(id) has expired.")
        switch call.faults.artifact404 {
        case .neverExisted: throw APIError.session(id)
        case .containerGone: throw gone
        case .pathAbsent: throw Self.absent
        case nil: break
        }
        guard let view = view(id) else { throw APIError.session(id) }
        if view.removed != nil { throw gone }
        return view
    }

    private func refuseRunning(_ view: SessionView, _ call: Call) throws(APIError) {
        guard view.ended == nil else { return }
        switch call.faults.whileRunning ?? .notFound {
        case .notFound: throw APIError.notFound("The session has not been terminated yet.")
        case .conflict: throw APIError.conflict("The session has not been terminated yet.")
        case .allow: break
        }
    }

    private static var absent: APIError { .notFound("no such file or directory") }

    private func supply(_ view: SessionView, path: String, _ call: Call) async throws -> any ByteSupply {
        let faults = call.faults
        if faults.archive == .garbage {
            return FixedBytes([Array("<!DOCTYPE html><html><body>Not an archive.</body></html>\n".utf8)])
        }
        guard let session = registry.session(view.id) else {
            guard let bytes = fleet?.archive(view.id, path: path, form: faults.archive ?? .gzip) else {
                return try Self.missing(faults)
            }
            return FixedBytes(bytes)
        }
        let form = faults.archive ?? .gzip
        let padding = faults.paddingBytes ?? 0
        do {
            return try await Self.blocking {
                let top = try session.folder.open(path)
                let folder = try FolderSupply(
                    top, bareNames: faults.bareNames == true, keepsHoles: faults.sparse == true)
                let padded: any ByteSupply =
                    padding > 0
                    ? JoinedSupply([PaddingSupply(folder: top.name, bytes: padding), folder]) : folder
                return switch form {
                case .gzip, .garbage: try GzipSupply(padded)
                case .members: MemberSplitter(padded)
                case .tar: padded
                }
            }
        } catch FolderError.absent {
            return try Self.missing(faults)
        } catch FolderError.gone {
            throw APIError.notFound("The container is gone.")
        } catch FolderError.unreadable(let code) {
            throw SandboxError("cannot open \(path) of session \(view.id): error \(code)")
        }
    }

    private static func missing(_ faults: Faults) throws -> any ByteSupply {
        guard faults.absentPath == .emptyArchive else { throw absent }
        return FixedBytes(faults.archive == .tar ? [[UInt8](repeating: 0, count: 1024)] : [FleetArchive.emptyGzip])
    }

    /// Writes the archive to an unnamed file, so that its size is known before sending starts.
    private func spool(_ supply: any ByteSupply) async throws -> (any ByteSupply, Int) {
        let root = configuration.root
        return try await Self.blocking {
            let descriptor = open(root, SALVAGE_O_TMPFILE | O_RDWR | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw SandboxError("\(root): cannot create a temporary file: error \(errno)") }
            let file = SpoolFile(descriptor: descriptor)
            while let bytes = try supply.next() { try file.append(bytes) }
            return (file, file.size)
        }
    }

    static func body(
        _ supply: any ByteSupply, length: Int?, shape: BodyShape, channel: any Channel
    ) -> ResponseBody {
        ResponseBody(contentLength: length) { writer in
            var shaper = BodyShaper(shape, channel: channel)
            while let bytes = try await blocking({ try supply.next() }) {
                if try await !shaper.write(ByteBuffer(bytes: bytes), to: &writer) { break }
            }
            try await writer.finish(nil)
        }
    }
}

/// An unnamed file that is written once, then read once.
private final class SpoolFile: ByteSupply, @unchecked Sendable {
    private let descriptor: Int32
    private(set) var size = 0
    private var position = 0

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func append(_ bytes: [UInt8]) throws(SandboxError) {
        do throws(FileFailure) { try Descriptor.write(descriptor, bytes) } catch {
            throw SandboxError("cannot write the temporary archive: \(error.reason)")
        }
        size += bytes.count
    }

    func next() throws -> [UInt8]? {
        let count = min(64 * 1024, size - position)
        guard count > 0 else { return nil }
        let bytes: [UInt8]
        do throws(FileFailure) { bytes = try Descriptor.read(descriptor, at: UInt64(position), count: count) } catch {
            throw SandboxError("cannot read the temporary archive: \(error.reason)")
        }
        guard !bytes.isEmpty else { throw SandboxError("the temporary archive ends too early") }
        position += bytes.count
        return bytes
    }
}
