internal import CFilter
internal import Glibc
internal import Pack

/// Chooses the rows of a matrix that a query reads: more rows rarely exclude another block.
struct RowChoice {
    /// Most rows for one literal.
    static let most = 16
    /// Most rows for all literals of a query.
    private static let mostOfAll = 2048

    private let perProbe: Int

    /// - Parameter probes: number of literals of the query.
    init(probes: Int) { perProbe = max(2, min(Self.most, Self.mostOfAll / max(probes, 1))) }

    /// The rows for a literal; nil when no column has the literal.
    ///
    /// - Parameters:
    ///   - densities: the share of columns that each row has, in 255ths, rounded up; without them, rows are taken from all
    ///     over the literal.
    func rows(_ probe: FilterProbe, in matrix: SliceHead.Matrix, densities: [UInt8]?) -> [UInt32]? {
        var rows: [UInt32] = []
        for place in probe.places {
            let row = UInt32(
                truncatingIfNeeded: (UInt64(place) &* UInt64(matrix.bits)) >> UInt64(SALVAGE_FILTER_MASTER_BITS))
            if !rows.contains(row) { rows.append(row) }
        }
        guard let densities, densities.count == Int(matrix.bits) else { return spread(rows) }
        rows.sort { densities[Int($0)] < densities[Int($1)] }
        if let first = rows.first, densities[Int(first)] == 0 { return nil }
        // Enough to leave less than one of four columns by chance.
        var wanted = log2(Double(max(matrix.columns, 1))) + 2
        var chosen: [UInt32] = []
        for row in rows where wanted > 0 && chosen.count < perProbe {
            wanted -= log2(255 / Double(densities[Int(row)]))
            chosen.append(row)
        }
        return chosen
    }

    private func spread(_ rows: [UInt32]) -> [UInt32] {
        guard rows.count > perProbe else { return rows }
        // The last grams are short ones, which many blocks have.
        let good = min(rows.count, 2 * perProbe)
        return (0..<perProbe).map { rows[$0 * good / perProbe] }
    }
}

extension ProbeTree {
    /// The literals of the query, each once.
    var probes: [FilterProbe] {
        var found: [FilterProbe] = []
        var known: Set<FilterProbe> = []
        collect(&found, &known)
        return found
    }

    private func collect(_ found: inout [FilterProbe], _ known: inout Set<FilterProbe>) {
        switch self {
        case .all: break
        case .probe(let probe): if known.insert(probe).inserted { found.append(probe) }
        case .and(let parts), .or(let parts): for part in parts { part.collect(&found, &known) }
        }
    }

    /// The columns that may match.
    /// - Parameter columns: the columns that may contain a literal.
    func columns(count: Int, _ columns: (FilterProbe) -> ColumnSet) -> ColumnSet {
        switch self {
        case .all: return ColumnSet(count: count, full: true)
        case .probe(let probe): return columns(probe)
        case .and(let parts):
            var set = ColumnSet(count: count, full: true)
            for part in parts { set.formIntersection(part.columns(count: count, columns)) }
            return set
        case .or(let parts):
            var set = ColumnSet(count: count, full: false)
            for part in parts { set.formUnion(part.columns(count: count, columns)) }
            return set
        }
    }
}
