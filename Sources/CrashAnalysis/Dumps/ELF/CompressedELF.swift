internal import Unpack

/// Unpacks an ELF file that is compressed as a whole, such as MiniDebugInfo. In memory, because a confined process can
/// create no file.
enum CompressedELF {
    private static let limit: UInt64 = 256 << 20
    private static let smallestHeader = 52

    /// Returns the plain bytes; nil when they are not an ELF file, are damaged or exceed 256 MiB.
    static func unpack(_ packed: [UInt8]) -> [UInt8]? {
        guard let format = packed.withUnsafeBytes({ Sniffer.compression(of: $0) }) else { return nil }
        let expander = StreamExpander(format, limits: ExpansionLimits(bytes: limit, ratio: .max))
        var plain: [UInt8] = []
        packed.withUnsafeBytes { bytes in
            expander.push(bytes) { content in plain.append(contentsOf: content) }
        }
        guard expander.finish() == .complete, plain.count >= smallestHeader,
            plain.starts(with: [0x7f, 0x45, 0x4c, 0x46])
        else { return nil }
        return plain
    }
}
