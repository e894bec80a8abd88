import Pack

@testable import LogSearch

/// The filter that ingest would build of a block, asked as a search asks it.
struct FilterOracle {
    private let filter: [UInt8]

    init(_ block: [UInt8]) { filter = block.withUnsafeBytes { BlockFilter.build($0) } }

    func mayMatch(_ query: LiteralQuery) -> Bool {
        filter.withUnsafeBytes { BlockQuery(query).probes.mayMatch($0, format: BlockFilter.format) }
    }
}
