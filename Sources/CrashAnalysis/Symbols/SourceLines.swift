internal import CElfutils
import Glibc

/// Finds file, line and inlined calls of an address in the DWARF of a stored file, by libdw.
final class SourceLines {
    /// One call at an address; inlined ones come before the function that holds them.
    struct Call {
        var function: String?
        var file: String?
        var line: Int?
        var inlined: Bool
    }

    /// Keeps the file open for as long as libdw reads from it.
    private let file: FileByteSource
    private let elf: OpaquePointer
    private let dwarf: OpaquePointer

    private static let depthLimit = 64
    private static let unitLimit = 200_000

    /// Reads a file of the store; nil when it has no DWARF.
    init?(file: FileByteSource) {
        _ = elf_version(UInt32(EV_CURRENT))
        guard let elf = elf_begin(file.descriptor, ELF_C_READ_MMAP, nil) else { return nil }
        guard let dwarf = dwarf_begin_elf(elf, DWARF_C_READ, nil) else {
            elf_end(elf)
            return nil
        }
        self.file = file
        self.elf = elf
        self.dwarf = dwarf
    }

    deinit {
        dwarf_end(dwarf)
        elf_end(elf)
    }

    /// Returns the calls at an address of the file, innermost first; empty when the DWARF does not cover it.
    func calls(at address: UInt64) -> [Call] {
        var unit = Dwarf_Die()
        guard findUnit(address, &unit) else { return [] }
        var place = line(address, &unit)
        var around: UnsafeMutablePointer<Dwarf_Die>?
        guard dwarf_getscopes(&unit, address, &around) > 0, let around else {
            return place.map { [Call(function: nil, file: $0.file, line: $0.line, inlined: false)] } ?? []
        }
        defer { free(around) }
        // The first call returns the scopes of an inlined function's definition; this one returns those it was inlined
        // into.
        var scopes: UnsafeMutablePointer<Dwarf_Die>?
        let count = dwarf_getscopes_die(around, &scopes)
        guard count > 0, let scopes else { return [] }
        defer { free(scopes) }
        var calls: [Call] = []
        for index in 0..<min(Int(count), Self.depthLimit) {
            let tag = dwarf_tag(&scopes[index])
            guard tag == 0x1d || tag == 0x2e else { continue }
            let inlined = tag == 0x1d
            calls.append(Call(function: name(&scopes[index]), file: place?.file, line: place?.line, inlined: inlined))
            guard inlined else { break }
            place = callSite(&scopes[index], &unit)
        }
        return calls
    }

    private func findUnit(_ address: UInt64, _ unit: inout Dwarf_Die) -> Bool {
        if dwarf_addrdie(dwarf, address, &unit) != nil { return true }
        // No .debug_aranges: search every unit.
        var offset: Dwarf_Off = 0
        for _ in 0..<Self.unitLimit {
            var next: Dwarf_Off = 0
            var header = 0
            guard dwarf_nextcu(dwarf, offset, &next, &header, nil, nil, nil) == 0 else { return false }
            if dwarf_offdie(dwarf, offset &+ UInt64(header), &unit) != nil, dwarf_haspc(&unit, address) == 1 {
                return true
            }
            guard next > offset else { return false }
            offset = next
        }
        return false
    }

    private func line(_ address: UInt64, _ unit: inout Dwarf_Die) -> (file: String, line: Int)? {
        guard let row = dwarf_getsrc_die(&unit, address) else { return nil }
        var number: Int32 = 0
        guard dwarf_lineno(row, &number) == 0, let file = dwarf_linesrc(row, nil, nil) else { return nil }
        return (String(cString: file), Int(number))
    }

    private func name(_ die: inout Dwarf_Die) -> String? {
        for code in [UInt32(0x6e), 0x2007] {
            var attribute = Dwarf_Attribute()
            if dwarf_attr_integrate(&die, code, &attribute) != nil, let text = dwarf_formstring(&attribute) {
                return Demangler.demangle(String(cString: text))
            }
        }
        return dwarf_diename(&die).map { String(cString: $0) }
    }

    private func callSite(_ die: inout Dwarf_Die, _ unit: inout Dwarf_Die) -> (file: String, line: Int)? {
        guard let number = constant(&die, 0x59), let index = constant(&die, 0x58) else { return nil }
        var files: OpaquePointer?
        var count = 0
        guard dwarf_getsrcfiles(&unit, &files, &count) == 0, index < count,
            let file = dwarf_filesrc(files, Int(index), nil, nil)
        else { return nil }
        return (String(cString: file), Int(number))
    }

    private func constant(_ die: inout Dwarf_Die, _ code: UInt32) -> UInt64? {
        var attribute = Dwarf_Attribute()
        var value: Dwarf_Word = 0
        guard dwarf_attr(&die, code, &attribute) != nil, dwarf_formudata(&attribute, &value) == 0,
            value < UInt64(Int32.max)
        else { return nil }
        return value
    }
}
