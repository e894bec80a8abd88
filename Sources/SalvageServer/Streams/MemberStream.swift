import HTTPTypes
import NIOCore
import Pack
import Store

/// Reads a part of a member of a pack, block by block. One request uses it.
final class MemberStream: @unchecked Sendable {
    // Unchecked: the request waits for each call before it makes the next.
    /// The size of one piece, in bytes.
    static let pieceSize = 256 << 10

    private let content: MemberContent
    private var offset: UInt64
    private let end: UInt64

    init(_ pack: SessionPack, member: Int, _ range: Range<UInt64>) throws {
        content = try pack.reader.content(ofMember: member)
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The next bytes; nil at the end. It blocks.
    func next() throws -> ByteBuffer? {
        guard offset < end else { return nil }
        let count = Int(min(UInt64(Self.pieceSize), end - offset))
        var bytes = [UInt8](repeating: 0, count: count)
        let filled = try bytes.withUnsafeMutableBytes { try content.read(at: offset, into: $0) }
        guard filled > 0 else {
            throw ServerFailure(.internalServerError, "damaged", "the member ends before its size")
        }
        offset += UInt64(filled)
        return ByteBuffer(bytes: bytes.prefix(filled))
    }
}
