internal import Bytes

/// Queries the filters of a store that several machines share.
///
/// Damaged or missing parts cost time, never results: a part of a row that cannot be read excludes nothing, and an object
/// whose packs are not known is one of the failures, so that the caller asks the packs themselves.
public struct FilterReader: Sendable {
    private let objects: any FilterObjects

    /// Segments that are held at once.
    private static let mostSegments = 32

    /// Creates a reader.
    public init(_ objects: any FilterObjects) { self.objects = objects }

    /// The packs that may match a query.
    ///
    /// - Parameters:
    ///   - query: the query over block filters.
    ///   - records: the objects to ask, as the catalog lists them.
    ///   - includesBinary: whether content that is not text is searched. Its blocks have no filters.
    /// - Throws: ``BlockIndexError`` when memory is short.
    public func candidates(
        of query: ProbeTree, in records: [FilterObject], includesBinary: Bool
    ) throws(BlockIndexError) -> FilterFindings {
        var search = try SliceSearch(query, includesBinary: includesBinary, objects)
        search.search(records.filter { $0.level != .segment })
        var findings = search.findings
        forEachRow(records, &findings) { row, findings in
            if let candidate = Self.candidate(row, query, includesBinary) { findings.candidates.append(candidate) }
        }
        return findings
    }

    /// Lists all packs whose filters are in objects.
    ///
    /// - Throws: ``BlockIndexError`` when memory is short.
    public func packs(in records: [FilterObject]) throws(BlockIndexError) -> FilterFindings {
        var search = try SliceSearch(.all, includesBinary: true, objects)
        search.allPacks(records.filter { $0.level != .segment })
        var findings = search.findings
        forEachRow(records, &findings) { row, findings in
            findings.candidates.append(
                FilterCandidate(pack: row.pathText, bytes: row.packBytes, flags: nil, places: nil))
        }
        return findings
    }

    private func forEachRow(
        _ records: [FilterObject], _ findings: inout FilterFindings, _ body: (FilterRow, inout FilterFindings) -> Void
    ) {
        let segments = records.filter { $0.level == .segment }
        for start in stride(from: 0, to: segments.count, by: Self.mostSegments) {
            let some = segments[start..<min(start + Self.mostSegments, segments.count)]
            let found = objects.read(some.map { ObjectRange($0.key, 0..<$0.bytes) })
            for (object, result) in zip(some, found) {
                findings.bytesRead += object.bytes
                do {
                    let segment = try FilterSegment(result.get(), key: object.key)
                    var isWhole = true
                    segment.forEachRow { row in
                        guard let row else {
                            isWhole = false
                            return
                        }
                        if row.packBytes > 0 { body(row, &findings) }
                    }
                    guard !isWhole else { continue }
                    throw BlockIndexError(
                        code: .object, message: "a segment of filters is damaged", path: object.key)
                } catch let error as BlockIndexError {
                    findings.failures.append((object, error))
                } catch {
                    findings.failures.append(
                        (object, BlockIndexError(code: .object, message: "\(error)", path: object.key)))
                }
            }
        }
    }

    private static func candidate(_ row: FilterRow, _ query: ProbeTree, _ includesBinary: Bool) -> FilterCandidate? {
        let places = row.places
        switch row.answer(query) {
        case .noBlock: return nil
        case .askPack: return FilterCandidate(pack: row.pathText, bytes: row.packBytes, flags: nil, places: nil)
        case .blocks(var flags):
            if !includesBinary, let places {
                for (index, block) in places.blocks.enumerated() where !block.isText { flags[index] = false }
                guard flags.contains(true) else { return nil }
            }
            return FilterCandidate(pack: row.pathText, bytes: row.packBytes, flags: flags, places: places)
        }
    }
}
