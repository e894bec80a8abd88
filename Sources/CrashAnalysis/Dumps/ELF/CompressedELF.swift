internal import Unpack

/// Unpacks an ELF file that is compressed as a whole, such as MiniDebugInfo. In memory, because a confined process can
/// create no file.
enum CompressedELF {
    /// A small part of the memory of a confined process, which may read several such files.
    private static let limit: UInt64 = 64 << 20
    private static let smallestHeader = 52

    /// Returns the plain bytes; nil when they are not an ELF file, are damaged, or take too much memory.
    ///
    /// - Parameter refused: called in the last case, with what the file does: words that can follow its name.
    static func unpack(_ packed: [UInt8], refused: (String) -> Void = { _ in }) -> [UInt8]? {
        guard let format = packed.withUnsafeBytes({ Sniffer.compression(of: $0) }) else { return nil }
        let expander = StreamExpander(format, limits: ExpansionLimits(bytes: limit, ratio: .max))
        var plain: [UInt8] = []
        packed.withUnsafeBytes { bytes in
            expander.push(bytes) { content in plain.append(contentsOf: content) }
        }
        let end = expander.finish()
        if case .limited(let which) = end {
            refused(
                which == "bytes"
                    ? "is longer than \(limit >> 20) MiB" : "needs a window of more than 32 MiB to be unpacked")
        }
        guard end == .complete, plain.count >= smallestHeader,
            plain.starts(with: [0x7f, 0x45, 0x4c, 0x46])
        else { return nil }
        return plain
    }
}
