internal import CCrashScan

/// A place in text where a crash report may begin; the parsers decide.
public struct CrashAnchor: Sendable, Equatable, Comparable {
    /// Byte offset of the literal: within the block from the scanner, within the member for the analyzer.
    public var offset: UInt64
    /// Which literal. Stored with blocks, so an id must never change its meaning.
    public var id: UInt16

    /// Creates an anchor.
    public init(offset: UInt64, id: UInt16) {
        self.offset = offset
        self.id = id
    }

    /// Orders by offset, then by id.
    public static func < (left: CrashAnchor, right: CrashAnchor) -> Bool {
        (left.offset, left.id) < (right.offset, right.id)
    }
}

/// Finds crash anchors in blocks of text; safe to use from any number of threads.
///
/// Blocks must end after a newline: an anchor never crosses the end of a line.
public final class TextCrashScanner: Sendable {
    /// The shared scanner; its table is built on first use.
    public static let shared = TextCrashScanner()

    private nonisolated(unsafe) let table: OpaquePointer?
    private let ids: [UInt16]
    private nonisolated(unsafe) let storage: [UnsafeMutableBufferPointer<UInt8>]

    private init() {
        var kept: [UnsafeMutableBufferPointer<UInt8>] = []
        var literals: [crash_literal] = []
        ids = TextReportFormats.anchors.map(\.id)
        for anchor in TextReportFormats.anchors {
            let bytes = Array(anchor.literal.utf8)
            let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            _ = buffer.initialize(from: bytes)
            kept.append(buffer)
            guard let base = buffer.baseAddress else { continue }
            literals.append(crash_literal(bytes: base, length: UInt32(bytes.count)))
        }
        storage = kept
        table = literals.withUnsafeBufferPointer { list in
            list.baseAddress.flatMap { crash_scan_build($0, list.count) }
        }
    }

    deinit {
        crash_scan_free(table)
        for buffer in storage { buffer.deallocate() }
    }

    /// Returns the anchors in a block in order of offset, at most `limit` and at most 65,536.
    public func scan(_ block: UnsafeRawBufferPointer, limit: Int = 16_384) -> [CrashAnchor] {
        find(block, limit: limit, portable: false)
    }

    /// `portable` forces the path without vector instructions.
    func find(_ block: UnsafeRawBufferPointer, limit: Int, portable: Bool) -> [CrashAnchor] {
        guard let table, limit > 0 else { return [] }
        return withUnsafeTemporaryAllocation(of: crash_hit.self, capacity: min(limit, 65536)) { hits in
            guard let into = hits.baseAddress else { return [] }
            let from = block.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let count =
                portable
                ? crash_scan_find_portable(table, from, block.count, into, hits.count)
                : crash_scan_find(table, from, block.count, into, hits.count)
            return (0..<count).map { index in
                CrashAnchor(offset: UInt64(hits[index].offset), id: ids[Int(hits[index].literal)])
            }
        }
    }
}
