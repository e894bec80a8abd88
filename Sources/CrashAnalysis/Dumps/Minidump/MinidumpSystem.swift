/// The system-info stream, and the register contexts that its processor implies.
struct MinidumpSystem {
    enum Platform: String {
        case windows, linux, android, macos, ios, other
    }

    private(set) var arch: Architecture?
    private(set) var platform = Platform.other
    private(set) var version: String?
    private(set) var build: String?

    init(arch: Architecture? = nil) { self.arch = arch }

    init(_ stream: ByteView, file: MinidumpFile) {
        switch stream.u16(0) {
        case 0: arch = .x86
        case 9: arch = .amd64
        case 5: arch = .arm
        case 12, 0x8003: arch = .arm64
        default: arch = nil
        }
        switch stream.u32(20) {
        case 0, 1, 2, 3: platform = .windows
        case 0x8101: platform = .macos
        case 0x8102: platform = .ios
        case 0x8201: platform = .linux
        case 0x8203: platform = .android
        default: platform = .other
        }
        if let major = stream.u32(8), let minor = stream.u32(12), let number = stream.u32(16) {
            version = "\(major).\(minor).\(number)"
        }
        if let rva = stream.u32(24), rva > 0 { build = file.string(at: UInt64(rva)) }
    }

    /// Reads registers from a CONTEXT record of the stream's processor; nil when it is truncated.
    func registers(_ context: ByteView) -> Registers? {
        guard let arch else { return nil }
        let slots: [Int]
        switch arch {
        case .x86: slots = [176, 172, 168, 164, 196, 180, 160, 156, 184]
        case .amd64:
            slots =
                [0x78, 0x88, 0x80, 0x90, 0xa8, 0xb0, 0xa0, 0x98] + (0..<8).map { 0xb8 + $0 * 8 } + [0xf8]
        case .arm: slots = (0..<16).map { 4 + $0 * 4 }
        case .arm64: slots = (0..<33).map { 8 + $0 * 8 }
        }
        var registers = Registers(arch)
        for (number, slot) in slots.enumerated() {
            guard let value = context.word(slot, is64: arch.is64) else { return nil }
            registers[number] = value
        }
        return registers
    }
}
