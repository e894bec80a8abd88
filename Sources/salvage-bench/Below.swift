import Bytes

extension SplitMix64 {
    /// Returns a number in `0 ..< bound`.
    mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: (next() >> 11) % UInt64(max(1, bound)))
    }
}
