internal import CElfutils
internal import Files
import Glibc

/// Unpacks an ELF file compressed by xz, gzip or bzip2, using elfutils.
enum CompressedELF {
    private static let limit = 512 << 20

    /// Returns the plain bytes; nil when they are not an ELF file or exceed 512 MiB.
    static func unpack(_ packed: [UInt8]) -> [UInt8]? {
        _ = elf_version(UInt32(EV_CURRENT))
        guard let descriptor = try? Descriptor.inMemory("salvage-elf") else { return nil }
        defer { close(descriptor) }
        guard (try? Descriptor.write(descriptor, packed)) != nil else { return nil }
        guard let elf = dwelf_elf_begin(descriptor) else { return nil }
        defer { elf_end(elf) }
        var size = 0
        guard elf_kind(elf) == ELF_K_ELF, let raw = elf_rawfile(elf, &size), size > 64, size <= limit else {
            return nil
        }
        return Array(UnsafeRawBufferPointer(start: raw, count: size))
    }
}
