/// One of several equal parts of all sessions: several machines or jobs share a search by asking for one part each.
///
/// The part of a session depends on its id alone, the same on every machine and in every version.
public struct SessionShard: Sendable, Hashable, CustomStringConvertible {
    /// Which part, from 1.
    public let index: Int
    /// How many parts there are.
    public let count: Int

    /// Most parts.
    public static let most = 65_536

    /// Creates a part; nil unless 1 ≤ index ≤ count ≤ ``most``.
    public init?(index: Int, count: Int) {
        guard count >= 1, count <= Self.most, index >= 1, index <= count else { return nil }
        self.index = index
        self.count = count
    }

    /// Reads `3/16`, the third of sixteen parts; nil for any other text.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let index = Int(parts[0]), let count = Int(parts[1])
        else { return nil }
        self.init(index: index, count: count)
    }

    /// The part as ``init(parsing:)`` reads it.
    public var description: String { "\(index)/\(count)" }

    /// Whether a session belongs to the part: FNV-1a over the bytes of its id, mixed by the finalizer of SplitMix64, since
    /// the low bits of FNV-1a depend on few bytes, modulo the number of parts.
    public func contains(_ session: String) -> Bool {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in session.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((hash ^ (hash >> 31)) % UInt64(count)) == index - 1
    }
}
