/// A minidump (Microsoft `minidumpapiset.h`, Breakpad `minidump_format.h`); streams are read as far as they are valid.
struct MinidumpFile {
    struct Stream {
        var type: UInt32
        var size: Int
        var offset: UInt64
    }

    struct Thread {
        var id: Int
        var name: String?
        var stack: MinidumpMemory.Region?
        var registers: Registers?
    }

    struct Exception {
        var thread: Int
        var code: UInt32
        var flags: UInt32
        var address: UInt64
        var parameters: [UInt64]
        var registers: Registers?
    }

    enum StreamType {
        static let threads: UInt32 = 3
        static let modules: UInt32 = 4
        static let memory: UInt32 = 5
        static let exception: UInt32 = 6
        static let system: UInt32 = 7
        static let memory64: UInt32 = 9
        static let misc: UInt32 = 15
        static let threadNames: UInt32 = 24
        static let linuxCommandLine: UInt32 = 0x4767_0006
        static let breakpadInfo: UInt32 = 0x4767_0001
    }

    static let signature: UInt32 = 0x504d_444d
    static let streamLimit = 4096
    static let itemLimit = 65_536
    /// The most bytes read of one stream: real ones are small tables.
    static let longestStream = 32 << 20

    let source: any ByteSource
    let bigEndian: Bool
    let timestamp: UInt32
    let streams: [Stream]
    private(set) var system = MinidumpSystem()
    private(set) var threads: [Thread] = []
    private(set) var modules: [MappedModule] = []
    private(set) var exception: Exception?
    private(set) var pid: Int?
    private(set) var requestingThread: Int?
    /// The thread that wrote the dump: its stack says nothing about the crash.
    private(set) var dumpingThread: Int?
    private(set) var commandLine: String?
    private(set) var remarks: [String] = []
    let memory: MinidumpMemory
    private let names = NameAllowance()

    /// Reads the directory and the streams; throws `CrashError` when the header or directory is broken.
    init(_ source: any ByteSource) throws(CrashError) {
        var head = ByteView(bytes: source.bytes(at: 0, count: 32))
        guard head.count == 32, let magic = head.u32(0) else {
            throw CrashError(code: .malformed, message: "minidump header is truncated")
        }
        if magic == Self.signature.byteSwapped { head.bigEndian = true }
        guard head.u32(0) == Self.signature, let count = head.u32(8), let directory = head.u32(12) else {
            throw CrashError(code: .malformed, message: "not a minidump")
        }
        guard head.u16(4) == 0xa793 else {
            throw CrashError(code: .malformed, message: "minidump version is not 0xa793")
        }
        guard count <= Self.streamLimit else {
            throw CrashError(code: .malformed, message: "minidump claims \(count) streams")
        }
        let table = ByteView(
            bytes: source.bytes(at: UInt64(directory), count: Int(count) * 12), bigEndian: head.bigEndian)
        guard table.count == Int(count) * 12 else {
            throw CrashError(code: .malformed, message: "minidump directory is outside the file")
        }
        self.source = source
        bigEndian = head.bigEndian
        timestamp = head.u32(20) ?? 0
        streams = (0..<Int(count)).compactMap { at in
            guard let type = table.u32(at * 12), let size = table.u32(at * 12 + 4), let rva = table.u32(at * 12 + 8)
            else { return nil }
            return Stream(type: type, size: Int(size), offset: UInt64(rva))
        }
        memory = MinidumpMemory(source: source)
        readStreams()
        guard !threads.isEmpty || exception != nil || !modules.isEmpty else {
            throw CrashError(code: .malformed, message: "minidump has no readable thread, module or exception")
        }
        if threads.isEmpty { remarks.append("no thread list") }
        if names.isUsedUp { remarks.append("names beyond \(NameAllowance.limit >> 20) MiB in total are omitted") }
        for stream in streams where stream.type != 0 && stream.offset.addingClamped(UInt64(stream.size)) > source.size {
            remarks.append("stream \(stream.type) is partly outside the file")
        }
    }

    private mutating func readStreams() {
        if let stream = stream(StreamType.system) { system = MinidumpSystem(stream, file: self) }
        if let stream = stream(StreamType.memory) { readMemory(stream) }
        if let stream = stream(StreamType.memory64) { readMemory64(stream) }
        if let stream = stream(StreamType.threads) { readThreads(stream) }
        if let stream = stream(StreamType.threadNames) { readThreadNames(stream) }
        if let stream = stream(StreamType.modules) { modules = MinidumpModules.read(stream, file: self) }
        if let stream = stream(StreamType.exception) { readException(stream) }
        if let stream = stream(StreamType.misc), let flags = stream.u32(4), flags & 1 != 0 {
            pid = stream.u32(8).map(Int.init)
        }
        if let stream = stream(StreamType.breakpadInfo), let valid = stream.u32(0) {
            if valid & 1 != 0 { dumpingThread = stream.u32(4).map(Int.init) }
            if valid & 2 != 0 { requestingThread = stream.u32(8).map(Int.init) }
        }
        if let stream = stream(StreamType.linuxCommandLine) {
            let words = stream.bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            if !words.isEmpty {
                commandLine = NameAllowance.cut(words.joined(separator: " "), to: NameAllowance.longestCommand)
            }
        }
        memory.seal()
    }

    /// Returns the bytes of the first stream of a type, as many as the file holds.
    func stream(_ type: UInt32) -> ByteView? {
        guard let stream = streams.first(where: { $0.type == type }) else { return nil }
        return bytes(stream.offset, min(stream.size, Self.longestStream))
    }

    func bytes(_ offset: UInt64, _ count: Int) -> ByteView {
        ByteView(bytes: source.bytes(at: offset, count: count), bigEndian: bigEndian)
    }

    /// Reads a MINIDUMP_STRING: length in bytes, then UTF-16; nil when it is truncated, exceeds 32 KiB, or the name
    /// allowance is used up.
    func string(at offset: UInt64) -> String? {
        guard let length = bytes(offset, 4).u32(0), length <= 32768, names.take(Int(length)) else { return nil }
        let text = bytes(offset + 4, Int(length))
        return text.count == Int(length) ? text.utf16(0, length: Int(length)) : nil
    }

    /// Returns a NUL-terminated name within a record; nil once the name allowance is used up.
    func name(_ view: ByteView, at: Int) -> String? {
        view.cString(at, limit: 1024).flatMap { names.take($0.utf8.count) ? $0 : nil }
    }

    /// Returns the number of items of a counted list and where they begin: some writers pad the count to eight bytes.
    func list(_ stream: ByteView, item: Int, type: UInt32) -> (count: Int, start: Int)? {
        guard let claimed = stream.u32(0), claimed <= Self.itemLimit else { return nil }
        let size = streams.first { $0.type == type }?.size ?? stream.count
        let start = size == Int(claimed) * item + 8 ? 8 : 4
        return (min(Int(claimed), max(0, stream.count - start) / item), start)
    }

    private mutating func readThreads(_ stream: ByteView) {
        guard let list = list(stream, item: 48, type: StreamType.threads) else {
            remarks.append("the thread list is broken")
            return
        }
        for index in 0..<list.count {
            let at = list.start + index * 48
            guard let id = stream.u32(at), let start = stream.u64(at + 24), let size = stream.u32(at + 32),
                let rva = stream.u32(at + 36), let contextSize = stream.u32(at + 40), let context = stream.u32(at + 44)
            else { return }
            var thread = Thread(id: Int(id))
            if size > 0, rva > 0 {
                let region = MinidumpMemory.Region(start: start, size: UInt64(size), offset: UInt64(rva))
                thread.stack = region
                memory.add(region)
            }
            thread.registers = system.registers(bytes(UInt64(context), min(Int(contextSize), 4096)))
            threads.append(thread)
        }
    }

    private mutating func readThreadNames(_ stream: ByteView) {
        guard let list = list(stream, item: 12, type: StreamType.threadNames) else { return }
        var names: [Int: String] = [:]
        for index in 0..<list.count {
            let at = list.start + index * 12
            guard let id = stream.u32(at), let rva = stream.u64(at + 4), let name = string(at: rva) else { continue }
            names[Int(id)] = NameAllowance.cut(name, to: NameAllowance.longestName)
        }
        for index in threads.indices { threads[index].name = names[threads[index].id] }
    }

    private mutating func readException(_ stream: ByteView) {
        guard let thread = stream.u32(0), let code = stream.u32(8), let flags = stream.u32(12),
            let address = stream.u64(24), let count = stream.u32(32)
        else { return }
        let parameters = (0..<min(Int(count), 15)).compactMap { stream.u64(40 + $0 * 8) }
        var found = Exception(
            thread: Int(thread), code: code, flags: flags, address: address, parameters: parameters)
        if let size = stream.u32(160), let rva = stream.u32(164), size > 0 {
            found.registers = system.registers(bytes(UInt64(rva), min(Int(size), 4096)))
        }
        exception = found
    }

    private func readMemory(_ stream: ByteView) {
        guard let list = list(stream, item: 16, type: StreamType.memory) else { return }
        for index in 0..<list.count {
            let at = list.start + index * 16
            guard let start = stream.u64(at), let size = stream.u32(at + 8), let rva = stream.u32(at + 12) else {
                return
            }
            memory.add(.init(start: start, size: UInt64(size), offset: UInt64(rva)))
        }
    }

    private func readMemory64(_ stream: ByteView) {
        guard let count = stream.u64(0), var offset = stream.u64(8), count <= UInt64(Self.itemLimit) else { return }
        for index in 0..<Int(count) {
            guard let start = stream.u64(16 + index * 16), let size = stream.u64(24 + index * 16) else { return }
            memory.add(.init(start: start, size: size, offset: offset))
            offset = offset.addingClamped(size)
        }
    }
}
