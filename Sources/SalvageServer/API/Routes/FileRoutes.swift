import Bytes
import Catalog
import HTTPTypes
import Hummingbird
import JSON
import Model
import Pack
import Store
import Text

extension APIRoutes {
    /// The operations about the files of a session.
    static let files: [APIRoute] = [
        APIRoute(
            .get, "/sessions/{id}/files", "files", "The files of a session.", filters([]),
            returns: [.page(of: "File", "The files, in the order of the pack.")]
        ) { call in
            let query = try call.selection()
            let id = call.id
            let members = try await call.store.read { store in
                let session = try store.session(named: id)
                var members: [SessionMember] = []
                try store.forEachMember(of: session) {
                    members.append(SessionMember(session: session.session, member: $0))
                }
                return members
            }
            let (items, next) = try members.page(query) { String($0.member.ordinal) }
            return call.page(items.map { APIShapes.file.line($0).utf8 }, next: next)
        },
        APIRoute(
            .get, "/sessions/{id}/files/{n}", "file",
            "The content of a file, whole or the one range of a `Range` header.",
            [
                .number("n", "the file's number")
            ],
            returns: [
                .bytes("application/octet-stream", "The content."),
                .bytes("application/octet-stream", "The bytes of the range.", status: .partialContent),
                .nothing(.notModified, "The content has the tag of `If-None-Match`."),
            ], failures: [.rangeNotSatisfiable]
        ) { call in try await file(call) },
    ]

    /// What is needed to send a member.
    private struct ServedMember: Sendable {
        let pack: SessionPack
        let index: Int
        let size: UInt64
        let name: String
        let tag: String?
    }

    private static func file(_ call: APICall) async throws -> Response {
        let id = call.id
        guard let number = Int(call.variables.last ?? ""), number >= 0 else {
            throw ServerFailure(.badRequest, "bad_number", "the file's number is not a number")
        }
        let member = try await call.store.read { try find($0, id, number) }
        var headers: HTTPFields = [
            .contentType: "application/octet-stream", .acceptRanges: "bytes",
            .contentDisposition: SecurityHeaders.attachment(member.name), .cacheControl: "private, no-cache",
        ]
        if let tag = member.tag { headers[.eTag] = tag }
        if let tag = member.tag, call.request.headers[.ifNoneMatch] == tag {
            return Response(status: .notModified, headers: headers)
        }
        let condition = call.request.headers[.ifRange]
        let range = ByteRange(
            condition == nil || condition == member.tag ? call.request.headers[.range] : nil, size: member.size)
        let wanted: Range<UInt64>
        var status = HTTPResponse.Status.ok
        switch range {
        case .whole: wanted = 0..<member.size
        case .part(let part):
            wanted = part
            status = .partialContent
            headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(member.size)"
        case .unsatisfiable:
            var response = ServerFailure(
                .rangeNotSatisfiable, "bad_range", "the file has \(counted(member.size, "byte"))"
            ).response()
            response.headers[.contentRange] = "bytes */\(member.size)"
            return response
        }
        let length = Int(clamping: wanted.upperBound - wanted.lowerBound)
        guard !call.isHead else {
            headers[.contentLength] = String(length)
            return Response(status: status, headers: headers)
        }
        let store = call.store
        // What is one piece needs no place: it is read before anybody waits for it.
        let place = length > MemberStream.pieceSize ? try call.services.streams.enter() : nil
        // The first bytes are read before the head is sent: a damaged pack is then an error with a status.
        let (stream, first) = try await store.stream { _ in
            let stream = try MemberStream(member.pack, member: member.index, wanted)
            return (stream, try stream.next())
        }
        return Response(
            status: status, headers: headers,
            body: call.streamed(length: length) { writer in
                var piece = first
                while let bytes = piece {
                    try await writer.write(bytes)
                    piece = try await store.stream { _ in try stream.next() }
                }
                withExtendedLifetime(place) {}
            })
    }

    private static func find(_ store: Store, _ id: String, _ number: Int) throws -> ServedMember {
        let pack = try store.pack(id)
        guard pack.reader.members.indices.contains(number) else {
            throw StoreError(
                .memberNotFound, "the session has no file with the number \(number)", session: pack.session.session,
                kind: .notFound)
        }
        let index = try pack.content(of: number)
        let content = pack.reader.members[index]
        guard ![.directory, .device, .fifo].contains(content.kind) else {
            throw ServerFailure(
                .notFound, "not_a_file", "the member with the number \(number) has no content, only a name",
                session: pack.session.session)
        }
        let path = pack.reader.members[number].path
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return ServedMember(
            pack: pack, index: index, size: content.size, name: String(decoding: path[start...], as: UTF8.self),
            tag: content.sha256.isEmpty ? nil : "\"\(Hex.text(content.sha256))\"")
    }
}
