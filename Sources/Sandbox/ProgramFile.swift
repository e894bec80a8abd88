import Glibc
import Text

/// Whether the kernel of this machine would start a file, told from its first bytes as the kernel reads them.
struct ProgramFile {
    /// Where a relative interpreter is looked for, which is where the process starts; nil when nothing is there.
    let base: String?

    /// How often one script may be the interpreter of another.
    private static let deepest = 5

    /// Why a file cannot be started; nil when it can.
    func fault(of file: String) -> String? { fault(of: file, depth: 0) }

    private func fault(of file: String, depth: Int) -> String? {
        var status = stat()
        guard stat(file, &status) == 0 else {
            return "the executable is not there: \(String(cString: strerror(errno)))"
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return "the executable is not a file" }
        guard access(file, X_OK) == 0 else { return "is not executable; chmod +x mends it" }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        // A program may be executable and not readable.
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let bytes = ELFHeader.read(descriptor, at: 0, count: 256)
        if bytes.starts(with: ELFHeader.magic) { return programFault(descriptor, bytes) }
        guard bytes.starts(with: "#!".utf8) else {
            return "the executable is neither an ELF program nor a script that begins with #!"
        }
        return scriptFault(bytes, depth: depth)
    }

    private func scriptFault(_ bytes: [UInt8], depth: Int) -> String? {
        guard depth < Self.deepest else { return "too many scripts are each other's interpreters" }
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        let rest = bytes.dropFirst(2)
        let line = rest.prefix { $0 != 0x0a }.drop(while: isBlank)
        let name = line.prefix { !isBlank($0) && $0 != 0 }
        guard !name.isEmpty else { return "no interpreter follows #!" }
        // The kernel reads no further than this, and would start a name cut short.
        guard bytes.count < 256 || rest.contains(0x0a) || name.endIndex < bytes.endIndex else {
            return "the interpreter after #! is too long"
        }
        let interpreter = String(decoding: name, as: UTF8.self)
        guard let file = resolve(interpreter), access(file, F_OK) == 0 else {
            let windows = name.last == 0x0d ? "; the file has the line endings of Windows" : ""
            return "the interpreter \(interpreter) is not there\(windows)"
        }
        return fault(of: file, depth: depth + 1).map { "the interpreter \(interpreter) cannot be started: \($0)" }
    }

    private func programFault(_ descriptor: Int32, _ bytes: [UInt8]) -> String? {
        guard let header = ELFHeader(bytes) else { return "begins like an ELF program and is none" }
        guard header.suitsThisMachine else { return "is an ELF program for another kind of machine" }
        let interpreter: String?
        switch header.interpreter(descriptor) {
        case .broken: return "begins like an ELF program and is none"
        case .none: interpreter = nil
        case .path(let path): interpreter = path
        }
        guard let interpreter else {
            return header.isNative ? nil : "is an ELF program of 32 bits without a loader"
        }
        guard let file = resolve(interpreter), access(file, F_OK) == 0 else {
            return "the loader \(interpreter) that it asks for is not there"
        }
        return loaderFault(file).map { "the loader \(interpreter) that it asks for \($0)" }
    }

    private func loaderFault(_ file: String) -> String? {
        var status = stat()
        guard stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return "is not a file" }
        guard access(file, X_OK) == 0 else { return "is not executable" }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard let header = ELFHeader(ELFHeader.read(descriptor, at: 0, count: 64)) else {
            return "is not an ELF program"
        }
        return header.suitsThisMachine ? nil : "is for another kind of machine"
    }

    private func resolve(_ path: String) -> String? {
        path.utf8.first == UInt8(ascii: "/") ? path : base.map { $0 + "/" + path }
    }
}

/// The beginning of an ELF program, in the byte order of this machine.
struct ELFHeader {
    static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]

    enum Interpreter {
        case none
        case path(String)
        /// The table of segments is none that the kernel takes.
        case broken
    }

    private let bytes: [UInt8]
    private let isWide: Bool

    /// Nil when the bytes are not the beginning of an executable.
    init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.magic), bytes.count >= 52 else { return nil }
        isWide = bytes[4] == 2
        guard isWide || bytes[4] == 1, bytes.count >= (isWide ? 64 : 52) else { return nil }
        self.bytes = bytes
        // Another order of bytes is another machine, which is told apart from a broken file.
        guard bytes[5] == 1 || bytes[5] == 2 else { return nil }
        if bytes[5] == 1, ![2, 3].contains(Self.number(bytes, 16, 2)) { return nil }
    }

    /// Class, byte order and machine of the program that runs here; nil where they cannot be read.
    private static let own: [UInt8]? = {
        let descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let bytes = read(descriptor, at: 0, count: 64)
        return bytes.count == 64 ? kind(bytes) : nil
    }()

    private static func kind(_ bytes: [UInt8]) -> [UInt8] { [bytes[4], bytes[5], bytes[18], bytes[19]] }

    var isNative: Bool { Self.own.map { $0 == Self.kind(bytes) } ?? true }

    /// A kernel for x86-64 runs programs of 32 bits too, provided that their loader is there.
    var suitsThisMachine: Bool {
        isNative || (Self.own == [2, 1, 62, 0] && Self.kind(bytes) == [1, 1, 3, 0])
    }

    /// The loader that the program names.
    func interpreter(_ descriptor: Int32) -> Interpreter {
        let offset = isWide ? Self.number(bytes, 32, 8) : Self.number(bytes, 28, 4)
        let size = Self.number(bytes, isWide ? 54 : 42, 2)
        let count = Self.number(bytes, isWide ? 56 : 44, 2)
        guard size == (isWide ? 56 : 32), count > 0, size * count <= 65_536 else { return .broken }
        let table = Self.read(descriptor, at: offset, count: size * count)
        guard table.count == size * count else { return .broken }
        for start in stride(from: 0, to: table.count, by: size) where Self.number(table, start, 4) == 3 {
            let place = isWide ? Self.number(table, start + 8, 8) : Self.number(table, start + 4, 4)
            let length = isWide ? Self.number(table, start + 32, 8) : Self.number(table, start + 16, 4)
            guard (2...4096).contains(length) else { return .broken }
            let text = Self.read(descriptor, at: place, count: length)
            guard text.count == length, text.last == 0 else { return .broken }
            return .path(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
        }
        return .none
    }

    /// Little-endian; a number beyond ours is the greatest we have.
    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int {
        Int(clamping: bytes[start..<start + count].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// As many bytes as there are.
    static func read(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled,
                    off_t(offset.addingReportingOverflow(filled).partialValue))
                guard got > 0 else { break }
                filled += got
            }
        }
    }
}
