/// The system whose kernel wrote a core.
enum CoreSystem: String {
    case linux
    case freebsd
    case netbsd
    case openbsd
}

/// Reads signal, name and threads of the process from the notes of BSD cores (`sys/exec_elf.h` of NetBSD and OpenBSD,
/// `sys/procfs.h` of FreeBSD). Register sets are not read.
extension CoreNotes {
    private static let netbsd = "NetBSD-CORE"
    private static let openbsd = "OpenBSD"
    private static let freebsd = "FreeBSD"

    private enum Kind {
        static let netbsdProcess: UInt32 = 1
        static let openbsdProcess: UInt32 = 10
        static let freebsdStatus: UInt32 = 1
        static let freebsdProcess: UInt32 = 3
    }

    func isBSD(_ owner: String, _ type: UInt32) -> Bool {
        switch owner {
        case Self.netbsd: type == Kind.netbsdProcess
        case Self.openbsd: type == Kind.openbsdProcess
        case Self.freebsd: type == Kind.freebsdStatus || type == Kind.freebsdProcess
        default: owner.hasPrefix(Self.netbsd + "@") || owner.hasPrefix(Self.openbsd + "@")
        }
    }

    mutating func takeBSD(_ owner: String, _ type: UInt32, _ note: ByteView) {
        switch owner {
        case Self.netbsd: takeProcess(.netbsd, note, pidAt: 0x50, nameAt: 0x7c)
        case Self.openbsd: takeProcess(.openbsd, note, pidAt: 0x20, nameAt: 0x48)
        case Self.freebsd where type == Kind.freebsdStatus: takeStatus(note)
        case Self.freebsd:
            name = note.cString(is64 ? 16 : 8, limit: 17)
            arguments = note.cString(is64 ? 33 : 25, limit: 81)
        default: takeThread(owner)
        }
    }

    private mutating func takeProcess(_ system: CoreSystem, _ note: ByteView, pidAt: Int, nameAt: Int) {
        self.system = system
        numbering = .bsd
        signal = note.u32(8).map(Int.init)
        code = note.u32(12).map { Int(Int32(bitPattern: $0)) }
        pid = note.u32(pidAt).map(Int.init)
        name = note.cString(nameAt, limit: 32)
    }

    /// Adds the thread whose id follows the `@` in the owner of its notes.
    private mutating func takeThread(_ owner: String) {
        guard let id = owner.split(separator: "@" as Character).last.flatMap({ Int($0) }), threads.last?.id != id else {
            return
        }
        add(Thread(id: id, signal: 0, registers: nil))
    }

    private mutating func takeStatus(_ note: ByteView) {
        system = .freebsd
        numbering = .bsd
        guard let signal = note.u32(is64 ? 36 : 20), let id = note.u32(is64 ? 40 : 24) else { return }
        if pid == nil { pid = Int(id) }
        add(Thread(id: Int(id), signal: Int(Int32(bitPattern: signal)), registers: nil))
    }
}
