/// Judges from the bytes before a return address whether a call can have pushed it.
enum CallSites {
    /// Returns whether `before`, which ends at the return address, can end in a call; true when too few bytes are
    /// known.
    static func mayEnd(_ before: [UInt8], arch: Architecture) -> Bool {
        switch arch {
        case .amd64, .x86: before.count < 8 || x86(before)
        case .arm64: before.count < 4 || arm64(before)
        case .arm: true
        }
    }

    /// Returns the target of the call that ends at `address`; nil for an indirect call or unknown bytes.
    static func target(_ before: [UInt8], endingAt address: UInt64, arch: Architecture) -> UInt64? {
        switch arch {
        case .amd64, .x86:
            guard before.count >= 5, before[before.count - 5] == 0xe8 else { return nil }
            let delta = before.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let target = address &+ UInt64(bitPattern: Int64(Int32(bitPattern: delta)))
            return arch.is64 ? target : target & 0xffff_ffff
        case .arm64:
            guard before.count >= 4 else { return nil }
            let word = before.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard word & 0xfc00_0000 == 0x9400_0000 else { return nil }
            let delta = Int64(Int32(bitPattern: word << 6) >> 4)
            return address &- 4 &+ UInt64(bitPattern: delta)
        case .arm: return nil
        }
    }

    private static func x86(_ bytes: [UInt8]) -> Bool {
        let end = bytes.count
        if bytes[end - 5] == 0xe8 { return true }
        // FF /2: two to seven bytes, by the addressing mode of its ModRM byte.
        for length in 2...7 where bytes[end - length] == 0xff {
            let mode = bytes[end - length + 1]
            guard mode & 0x38 == 0x10 else { continue }
            let needsIndex = mode & 7 == 4 && mode >> 6 != 3
            let displacement: Int
            switch mode >> 6 {
            case 0:
                // With a length of two, the index byte would be past the return address.
                displacement = mode & 7 == 5 || (needsIndex && length > 2 && bytes[end - length + 2] & 7 == 5) ? 4 : 0
            case 1: displacement = 1
            case 2: displacement = 4
            default: displacement = 0
            }
            if length == 2 + (needsIndex ? 1 : 0) + displacement { return true }
        }
        return false
    }

    private static func arm64(_ bytes: [UInt8]) -> Bool {
        let word = bytes.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return word & 0xfc00_0000 == 0x9400_0000 || word & 0xffff_fc1f == 0xd63f_0000
            || word & 0xfeff_f800 == 0xd63f_0800
    }
}
