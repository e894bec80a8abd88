internal import CCrashScan
internal import CElfutils
import Glibc

/// Unpacks an ELF file compressed by xz, gzip or bzip2, using elfutils.
enum CompressedELF {
    private static let limit = 512 << 20

    /// Returns the plain bytes; nil when they are not an ELF file or exceed 512 MiB.
    static func unpack(_ packed: [UInt8]) -> [UInt8]? {
        _ = elf_version(UInt32(EV_CURRENT))
        let descriptor = crash_unnamed_file()
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var written = 0
        while written < packed.count {
            let count = packed[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return nil }
            written += count
        }
        guard let elf = dwelf_elf_begin(descriptor) else { return nil }
        defer { elf_end(elf) }
        var size = 0
        guard elf_kind(elf) == ELF_K_ELF, let raw = elf_rawfile(elf, &size), size > 64, size <= limit else {
            return nil
        }
        return Array(UnsafeRawBufferPointer(start: raw, count: size))
    }
}
