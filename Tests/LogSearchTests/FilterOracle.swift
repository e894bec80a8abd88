import BlockIndex
import Pack

@testable import LogSearch

/// The filter that ingest would build for a block, queried as a search does.
struct FilterOracle {
    private let filter: [UInt8]

    init(_ block: [UInt8]) { filter = block.withUnsafeBytes { BlockFilter.build($0) } }

    func mayMatch(_ query: LiteralQuery) -> Bool {
        filter.withUnsafeBytes { BlockQuery(query).probes.mayMatch($0, format: BlockFilter.format) }
    }
}
