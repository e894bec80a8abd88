import Files
import Glibc
import Text

/// Predicts from a file's first bytes whether this machine's kernel would start it.
struct ProgramFile {
    /// Where relative interpreters are looked up: the folder in which the process starts. Nil when it does not exist
    /// yet.
    let base: String?

    /// Longest chain of scripts that are interpreters of each other.
    private static let deepest = 5

    /// Returns why a file cannot be started; nil when it can.
    func fault(of file: String) -> String? { fault(of: file, depth: 0) }

    private func fault(of file: String, depth: Int) -> String? {
        var status = stat()
        guard stat(file, &status) == 0 else {
            return "the executable cannot be found: \(String(cString: strerror(errno)))"
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return "the executable is not a file" }
        guard access(file, X_OK) == 0 else { return "is not executable; fix it with chmod +x" }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        // A program can be executable without being readable.
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
        guard depth < Self.deepest else { return "the chain of interpreters is too long" }
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        let rest = bytes.dropFirst(2)
        let line = rest.prefix { $0 != 0x0a }.drop(while: isBlank)
        let name = line.prefix { !isBlank($0) && $0 != 0 }
        guard !name.isEmpty else { return "no interpreter follows #!" }
        // The kernel reads no further and would truncate the name.
        guard bytes.count < 256 || rest.contains(0x0a) || name.endIndex < bytes.endIndex else {
            return "the interpreter after #! is too long"
        }
        let interpreter = String(decoding: name, as: UTF8.self)
        guard let file = resolve(interpreter), !isAbsent(file) else {
            let windows = name.last == 0x0d ? "; the file has Windows line endings" : ""
            return "the interpreter \(interpreter) does not exist\(windows)"
        }
        return fault(of: file, depth: depth + 1).map { "the interpreter \(interpreter) cannot be started: \($0)" }
    }

    private func programFault(_ descriptor: Int32, _ bytes: [UInt8]) -> String? {
        guard let header = ELFHeader(bytes) else { return "has an ELF magic number but is not a valid ELF program" }
        guard header.suitsThisMachine else { return "is an ELF program for another architecture" }
        let interpreter: String?
        switch header.interpreter(descriptor) {
        case .broken: return "has an ELF magic number but is not a valid ELF program"
        case .none: interpreter = nil
        case .path(let path): interpreter = path
        }
        guard let interpreter else {
            return header.isNative ? nil : "is a 32-bit ELF program without a loader"
        }
        guard let file = resolve(interpreter), !isAbsent(file) else {
            return "its loader \(interpreter) does not exist"
        }
        return loaderFault(file).map { "its loader \(interpreter) \($0)" }
    }

    private func loaderFault(_ file: String) -> String? {
        var status = stat()
        guard stat(file, &status) == 0 else { return "cannot be read: \(String(cString: strerror(errno)))" }
        guard status.st_mode & S_IFMT == S_IFREG else { return "is not a file" }
        guard access(file, X_OK) == 0 else { return "is not executable" }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard let header = ELFHeader(ELFHeader.read(descriptor, at: 0, count: 64)) else {
            return "is not an ELF program"
        }
        return header.suitsThisMachine ? nil : "is for another architecture"
    }

    private func isAbsent(_ file: String) -> Bool {
        access(file, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)
    }

    private func resolve(_ path: String) -> String? {
        path.utf8.first == UInt8(ascii: "/") ? path : base.map { $0 + "/" + path }
    }
}

/// The header of an ELF program.
struct ELFHeader {
    static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]

    enum Interpreter {
        case none
        case path(String)
        /// The kernel would reject the program header table.
        case broken
    }

    private let bytes: [UInt8]
    private let isWide: Bool

    /// Reads a header; nil when the bytes are not one of an executable.
    init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.magic), bytes.count >= 52 else { return nil }
        isWide = bytes[4] == 2
        guard isWide || bytes[4] == 1, bytes.count >= (isWide ? 64 : 52) else { return nil }
        self.bytes = bytes
        // Another byte order means another architecture, not a broken file.
        guard bytes[5] == 1 || bytes[5] == 2 else { return nil }
        if bytes[5] == 1, ![2, 3].contains(Self.number(bytes, 16, 2)) { return nil }
    }

    /// Class, byte order and machine of the running program; nil when they cannot be read.
    private static let own: [UInt8]? = {
        let descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let bytes = read(descriptor, at: 0, count: 64)
        return bytes.count == 64 ? kind(bytes) : nil
    }()

    private static func kind(_ bytes: [UInt8]) -> [UInt8] { [bytes[4], bytes[5], bytes[18], bytes[19]] }

    var isNative: Bool { Self.own.map { $0 == Self.kind(bytes) } ?? true }

    /// An x86-64 kernel also runs 32-bit programs, if their loader exists.
    var suitsThisMachine: Bool {
        isNative || (Self.own == [2, 1, 62, 0] && Self.kind(bytes) == [1, 1, 3, 0])
    }

    /// The loader of the program (its PT_INTERP segment).
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

    /// Reads a little-endian number, clamped to Int.
    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int {
        Int(clamping: bytes[start..<start + count].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// Reads up to `count` bytes, fewer at the end of the file; none when they cannot be read.
    static func read(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8] {
        (try? Descriptor.read(descriptor, at: UInt64(clamping: offset), count: count)) ?? []
    }
}
