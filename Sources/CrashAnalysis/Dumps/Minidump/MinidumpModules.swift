import Bytes
import Model

/// Reads the module list of a minidump and turns CodeView records into debug ids and build ids.
enum MinidumpModules {
    private static let itemSize = 108
    private static let pdb70: UInt32 = 0x5344_5352
    private static let pdb20: UInt32 = 0x3031_424e
    private static let elf: UInt32 = 0x4270_454c

    static func read(_ stream: ByteView, file: MinidumpFile) -> [MappedModule] {
        guard let list = file.list(stream, item: itemSize, type: MinidumpFile.StreamType.modules) else { return [] }
        var modules: [MappedModule] = []
        for index in 0..<list.count {
            guard let module = module(stream, list.start + index * itemSize, file) else { continue }
            modules.append(module)
        }
        return modules.sorted { $0.record.base < $1.record.base }
    }

    private static func module(_ stream: ByteView, _ at: Int, _ file: MinidumpFile) -> MappedModule? {
        guard let base = stream.u64(at), let size = stream.u32(at + 8), let name = stream.u32(at + 20),
            let recordSize = stream.u32(at + 76), let recordAt = stream.u32(at + 80)
        else { return nil }
        let path = file.string(at: UInt64(name)) ?? ""
        let short = NameAllowance.cut(
            path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? path,
            to: NameAllowance.longestName)
        var record = CrashModule(name: short, path: path, base: Address(base), size: UInt64(size))
        if stream.u32(at + 24) == 0xfeef_04bd, let high = stream.u32(at + 32), let low = stream.u32(at + 36) {
            record.version = "\(high >> 16).\(high & 0xffff).\(low >> 16).\(low & 0xffff)"
        }
        let codeView = file.bytes(UInt64(recordAt), min(Int(recordSize), 4096))
        identify(&record, codeView)
        let debugFile = codeView.u32(0) == pdb70 ? file.name(codeView, at: 24) : short
        let end = base.addingClamped(UInt64(size))
        if let debugFile, !debugFile.isEmpty, debugFile != short { record.debugFile = debugFile }
        return MappedModule(
            record: record, bias: base, segments: [], code: base < end ? [base..<end] : [],
            debugFile: debugFile?.isEmpty == false ? debugFile : short)
    }

    private static func identify(_ record: inout CrashModule, _ view: ByteView) {
        switch view.u32(0) {
        case pdb70:
            guard let guid = view.slice(4, 16), let age = view.u32(20) else { return }
            record.debugID = debugID(guid: guid.bytes, age: age)
        case elf:
            let identity = Array(view.bytes.dropFirst(4).prefix(NameAllowance.longestIdentity))
            guard !identity.isEmpty, identity.contains(where: { $0 != 0 }) else { return }
            record.buildID = Hex.text(identity)
            record.debugID = debugID(guid: identity, age: 0)
        case pdb20:
            guard let stamp = view.u32(8), let age = view.u32(12) else { return }
            record.debugID = (String(stamp, radix: 16) + String(age, radix: 16)).uppercased()
        default:
            return
        }
    }

    /// Returns a debug id as Breakpad spells it: a GUID whose first three fields are little-endian, then the age.
    static func debugID(guid: [UInt8], age: UInt32) -> String {
        var bytes = Array(guid.prefix(16))
        while bytes.count < 16 { bytes.append(0) }
        let ordered =
            bytes[0..<4].reversed() + bytes[4..<6].reversed() + bytes[6..<8].reversed() + Array(bytes[8..<16])
        return Hex.text(ordered).uppercased() + String(age, radix: 16).uppercased()
    }
}
