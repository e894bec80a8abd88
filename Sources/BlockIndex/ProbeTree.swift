public import Pack

/// A query over block filters: an AND/OR tree over the grams of literals.
///
/// ``literal(_:)``, ``both(_:)`` and ``either(_:)`` build it and leave out what cannot exclude a block. It may accept
/// blocks that do not match, but never excludes one that does.
public indirect enum ProbeTree: Sendable {
    /// Every block may match.
    case all
    /// The block must have the grams of one literal.
    case probe(FilterProbe)
    /// The block must meet all of them.
    case and([ProbeTree])
    /// The block must meet at least one of them.
    case or([ProbeTree])

    /// The query for blocks that contain a literal; upper-case ASCII letters are folded. A literal without grams is
    /// treated as "may match".
    public static func literal(_ bytes: [UInt8]) -> ProbeTree {
        let probe = FilterProbe(bytes)
        return probe.isEmpty ? .all : .probe(probe)
    }

    /// Joins queries with AND.
    public static func both(_ parts: [ProbeTree]) -> ProbeTree {
        let kept = parts.filter { !$0.isAll }
        return kept.isEmpty ? .all : kept.count == 1 ? kept[0] : .and(kept)
    }

    /// Joins queries with OR. A part that every block may match makes the whole match every block.
    public static func either(_ parts: [ProbeTree]) -> ProbeTree {
        parts.isEmpty || parts.contains(where: \.isAll) ? .all : .or(parts)
    }

    /// Whether every block may match, so that no filter needs to be read.
    public var isAll: Bool {
        if case .all = self { return true }
        return false
    }

    /// Whether a block with this filter may match.
    /// - Parameters:
    ///   - filter: the filter, whose checksum the caller has verified.
    ///   - format: the filter's format; an unknown one always may match.
    public func mayMatch(_ filter: UnsafeRawBufferPointer, format: UInt16) -> Bool {
        mayMatch(filter, format: format) { _ in true }
    }

    /// Whether a block with this filter may match.
    /// - Parameter isSound: whether the byte at an offset of the filter is valid; called only for bytes that exclude
    ///   the block.
    func mayMatch(_ filter: UnsafeRawBufferPointer, format: UInt16, isSound: (Int) -> Bool) -> Bool {
        switch self {
        case .all: return true
        case .probe(let probe):
            guard let missing = probe.missing(in: filter, format: format) else { return true }
            return !isSound(missing)
        case .and(let parts):
            for part in parts where !part.mayMatch(filter, format: format, isSound: isSound) { return false }
            return true
        case .or(let parts):
            for part in parts where part.mayMatch(filter, format: format, isSound: isSound) { return true }
            return false
        }
    }
}
