import Pack

@testable import LogSearch

/// The filter that ingest would build, asked as a search asks it.
enum FilterOracle {
    static func mayMatch(_ block: [UInt8], _ query: LiteralQuery) -> Bool {
        let filter = block.withUnsafeBytes { BlockFilter.build($0) }
        return filter.withUnsafeBytes { BlockQuery(query).probes.mayMatch($0, format: BlockFilter.format) }
    }
}
