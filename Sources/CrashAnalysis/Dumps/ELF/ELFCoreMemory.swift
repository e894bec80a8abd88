/// The memory stored in a core, read by page through a small cache so that unwinding seldom reads the file.
final class CoreMemory: ProcessMemory {
    private struct Span {
        var start: UInt64
        var stored: UInt64
        var offset: UInt64
    }

    private static let pageSize: UInt64 = 4096
    private static let pageLimit = 512

    private let source: any ByteSource
    private let spans: [Span]
    private var pages: [UInt64: [UInt8]] = [:]

    init(source: any ByteSource, segments: [ELFSegment]) {
        self.source = source
        spans = segments.filter { $0.type == ELFSegment.load && $0.fileSize > 0 }.map {
            Span(start: $0.address, stored: min($0.fileSize, UInt64.max - $0.address), offset: $0.offset)
        }.sorted { $0.start < $1.start }
    }

    /// True when the core stores the byte at `address`.
    func holds(_ address: UInt64) -> Bool { span(address) != nil }

    /// One past the last byte stored in the span around `address`.
    func end(of address: UInt64) -> UInt64? { span(address).map { $0.start + $0.stored } }

    /// Returns the address of the first stored byte at or above `address`, if at most `within` bytes away: where the
    /// stack begins when the stack pointer is in the guard page.
    func nextStored(_ address: UInt64, within: UInt64) -> UInt64? {
        if holds(address) { return address }
        var low = 0
        var high = spans.count
        while low < high {
            let middle = (low + high) / 2
            if spans[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        guard low < spans.count, spans[low].start - address <= within else { return nil }
        return spans[low].start
    }

    func bytes(at address: UInt64, count: Int) -> [UInt8] {
        guard count > 0, let span = span(address) else { return [] }
        let inside = address - span.start
        let available = Int(min(UInt64(count), span.stored - inside))
        var result: [UInt8] = []
        result.reserveCapacity(available)
        var at = inside
        while result.count < available {
            let start = at / Self.pageSize * Self.pageSize
            let page = page(span, start)
            let skip = Int(at - start)
            guard skip < page.count else { break }
            let take = min(page.count - skip, available - result.count)
            result.append(contentsOf: page[skip..<skip + take])
            at += UInt64(take)
        }
        return result
    }

    func load(_ address: UInt64, size: Int) -> UInt64? {
        guard size > 0, size <= 8, let span = span(address) else { return nil }
        let inside = address - span.start
        let start = inside / Self.pageSize * Self.pageSize
        let skip = Int(inside - start)
        let page = page(span, start)
        let raw = skip + size <= page.count ? page[skip..<skip + size] : bytes(at: address, count: size)[...]
        guard raw.count == size else { return nil }
        return raw.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func page(_ span: Span, _ start: UInt64) -> [UInt8] {
        let (offset, overflow) = span.offset.addingReportingOverflow(start)
        guard !overflow else { return [] }
        if let cached = pages[offset] { return cached }
        let read = source.bytes(at: offset, count: Int(min(Self.pageSize, span.stored - start)))
        if pages.count >= Self.pageLimit { pages.removeAll(keepingCapacity: true) }
        pages[offset] = read
        return read
    }

    private func span(_ address: UInt64) -> Span? {
        var low = 0
        var high = spans.count
        while low < high {
            let middle = (low + high) / 2
            if spans[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let found = spans[low - 1]
        return address - found.start < found.stored ? found : nil
    }
}
