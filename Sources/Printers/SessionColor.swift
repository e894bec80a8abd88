/// The color of a session's name where lines of several sessions are printed in turn.
enum SessionColor {
    /// Not red, which marks matches, nor black and white, one of which is the background.
    private static let codes = [32, 33, 34, 35, 36, 92, 93, 94, 95, 96]

    /// The escape sequence of a session's color: the same for the same id in every search.
    static func code(of session: String) -> [UInt8] {
        // FNV-1a.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in session.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Array("\u{1B}[\(codes[Int(hash % UInt64(codes.count))])m".utf8)
    }
}
