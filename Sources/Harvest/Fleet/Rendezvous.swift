import Text

/// Chooses which harvester follows a session's log, without any agreement between them: each computes the same choice from
/// the same list of harvesters. When one joins or leaves, only its own share changes hands.
///
/// Highest random weight hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998).
public enum Rendezvous {
    /// Returns the harvester for a session; nil if there are none. The order of `harvesters` does not matter.
    public static func choice(for session: String, among harvesters: [String]) -> String? {
        let seed = hash(session.utf8)
        var best: (weight: UInt64, id: String)?
        for id in harvesters {
            let weight = mixed(seed ^ mixed(hash(id.utf8)))
            if let known = best {
                if weight < known.weight { continue }
                if weight == known.weight, !known.id.precedesInBytes(id) { continue }
            }
            best = (weight, id)
        }
        return best?.id
    }

    /// FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): the same in every process and version, unlike
    /// `Hasher`.
    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }

    /// Spreads differences of single bits over the whole number, which FNV-1a does not (the finalizer of MurmurHash3).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ (mixed >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return mixed ^ (mixed >> 33)
    }
}
