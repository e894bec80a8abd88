import CCrypto
import Model

@testable import Unpack

/// One entry as a sink saw it.
struct SeenEntry: Equatable {
    var header: EntryHeader
    var outcome: EntryOutcome?
    var content: [UInt8] = []
    var sha256: [UInt8] = []
    /// Whether offsets ascended without gaps.
    var gapless = true

    var name: String { String(decoding: header.path, as: UTF8.self) }
    var text: String { String(decoding: content, as: UTF8.self) }
}

/// Keeps entries, their first bytes and the hash of their whole content with holes as zeros.
struct RecordingSink: ArchiveVisitor {
    struct Refusal: Error, Equatable {}

    var entries: [SeenEntry] = []
    /// Content kept of each entry.
    var keep = 1 << 20
    /// Throws when this many entries have begun.
    var refuseAfter: Int?
    /// Hash huge holes or not.
    var hashes = true

    private var position: UInt64 = 0
    private let digest = Digest()

    init() {}

    mutating func begin(_ entry: EntryHeader) throws(Refusal) {
        if entries.count == refuseAfter { throw Refusal() }
        entries.append(SeenEntry(header: entry))
        position = 0
        digest.start()
    }

    mutating func data(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(Refusal) {
        let last = entries.count - 1
        if offset != position || bytes.isEmpty { entries[last].gapless = false }
        position += UInt64(bytes.count)
        let room = max(0, keep - entries[last].content.count)
        entries[last].content += bytes.prefix(room)
        if hashes { digest.add(bytes) }
    }

    mutating func hole(_ length: UInt64, at offset: UInt64) throws(Refusal) {
        let last = entries.count - 1
        if offset != position || length == 0 { entries[last].gapless = false }
        position += length
        let room = max(0, keep - entries[last].content.count)
        entries[last].content += [UInt8](repeating: 0, count: Int(min(length, UInt64(room))))
        if hashes { digest.addZeros(length) }
    }

    mutating func end(_ outcome: EntryOutcome) throws(Refusal) {
        entries[entries.count - 1].outcome = outcome
        entries[entries.count - 1].sha256 = digest.finish()
    }
}

/// SHA-256 by OpenSSL.
final class Digest {
    private let context = EVP_MD_CTX_new()
    private static let zeros = [UInt8](repeating: 0, count: 1 << 20)

    deinit { EVP_MD_CTX_free(context) }

    func start() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }

    func add(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

    func addZeros(_ length: UInt64) {
        var left = length
        while left > 0 {
            let count = Int(min(left, 1 << 20))
            Self.zeros.withUnsafeBytes { add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            left -= UInt64(count)
        }
    }

    func finish() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &result, nil)
        return result
    }
}

struct Unpacked: Equatable {
    var report: UnpackReport
    var entries: [SeenEntry]

    var names: [String] { entries.map(\.name) }
    var texts: [String] { entries.map(\.text) }
}

/// Unpacks from memory and keeps what the sink saw.
func unpack(
    _ bytes: [UInt8], backend: InflateBackend = .isal, limits: UnpackLimits = UnpackLimits(), ownThread: Bool = false,
    hashes: Bool = true
) -> Unpacked {
    var unpacker = Unpacker(limits: limits, backend: backend)
    unpacker.inflatesOnOwnThread = ownThread
    var sink = RecordingSink()
    sink.hashes = hashes
    let report = bytes.withUnsafeBytes { try? unpacker.unpack(bytes: $0, into: &sink) }
    return Unpacked(report: report ?? unpacker.verify(descriptor: -1), entries: sink.entries)
}
