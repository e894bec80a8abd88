import Calendar
import Model

/// Unreal's crash upload: a zlib stream with a header (folder name, file name, size, file count) and files.
struct UnrealContainer {
    struct File {
        var name: String
        var content: any ByteSource

        /// The whole content.
        var bytes: [UInt8] { content.bytes(at: 0, count: Int(clamping: content.size)) }
    }

    private static let limit = 256 << 20
    private static let fileLimit = 1024

    let folder: String
    let files: [File]
    let complete: Bool

    /// Unpacks into `scratch`, or into memory (256 MiB at most); throws `CrashError` when the stream or its header is
    /// broken.
    init(_ source: any ByteSource, scratch: (any DumpScratch)? = nil) throws(CrashError) {
        let scratch = scratch ?? MemoryScratch(limit: Self.limit)
        scratch.clear()
        let isWhole = Inflate.unpack(source, into: scratch)
        guard scratch.size > 0 else { throw CrashError(code: .malformed, message: "not a zlib stream") }
        var cursor = Cursor(plain: scratch)
        // Engines since 4.26 put three letters before the header.
        cursor.skip(3, ifEqual: Array("CR1".utf8))
        guard let folder = cursor.text(), cursor.text() != nil,
            cursor.number() != nil, let count = cursor.number(), count <= Self.fileLimit
        else { throw CrashError(code: .malformed, message: "no Unreal crash header") }
        var files: [File] = []
        // Clients that write the header first leave its count at zero.
        while cursor.at < scratch.size, files.count < (count > 0 ? count : Self.fileLimit) {
            guard cursor.number() != nil, let name = cursor.text(), let length = cursor.number(),
                let content = cursor.take(length)
            else { break }
            files.append(File(name: name, content: content))
        }
        self.folder = folder
        self.files = files
        complete = isWhole && (count > 0 ? files.count == count : cursor.at == scratch.size)
    }

    private struct Cursor {
        let plain: any ByteSource
        var at: UInt64 = 0

        init(plain: any ByteSource) { self.plain = plain }

        mutating func skip(_ count: Int, ifEqual wanted: [UInt8]) {
            if plain.bytes(at: at, count: count) == wanted { at += UInt64(count) }
        }

        mutating func number() -> Int? {
            let bytes = plain.bytes(at: at, count: 4)
            guard bytes.count == 4 else { return nil }
            let value = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard value < 1 << 31 else { return nil }
            at += 4
            return Int(value)
        }

        mutating func take(_ length: Int) -> (any ByteSource)? {
            guard UInt64(length) <= plain.size - min(at, plain.size) else { return nil }
            defer { at += UInt64(length) }
            return SliceByteSource(plain, start: at, size: UInt64(length))
        }

        /// Reads a length, then that many bytes padded with NULs.
        mutating func text() -> String? {
            guard let length = number(), length <= 1024, let part = take(length) else { return nil }
            return String(decoding: part.bytes(at: 0, count: length).prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

/// `CrashContext.runtime-xml`: only its leaf elements are needed, so no full parser reads it.
struct UnrealContext {
    private let text: String

    /// The most bytes that are read.
    static let limit = 4 << 20

    init(_ bytes: [UInt8]) { text = String(decoding: bytes.prefix(Self.limit), as: UTF8.self) }

    /// Returns the unescaped text of the first element with this name; nil when it is absent or empty.
    func value(_ name: String) -> String? {
        guard let body = text.between("<\(name)>", "</\(name)>") else { return nil }
        var plain = body
        for (from, to) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#xD;", ""),
            ("&#xA;", "\n"), ("&amp;", "&"),
        ] {
            while plain.contains(from), let found = plain.find(from) { plain.replaceSubrange(found, with: to) }
        }
        let trimmed = plain.trimmed
        return trimmed.isEmpty ? nil : trimmed
    }

    /// Returns a record of the context.
    func record() -> CrashRecord {
        var record = CrashRecord(kind: "unreal")
        let type = value("CrashType")
        switch type {
        case "Assert": record.exception = "assertion"
        case "Ensure":
            record.exception = "ensure"
            record.kind = CrashRecord.survivedError
        case "OutOfMemory": record.exception = "out of memory"
        default: record.exception = type
        }
        if value("bIsOOM") == "1" { record.exception = "out of memory" }
        record.message = value("ErrorMessage").map { text in
            TextUnreal.statement(text, after: "Assertion failed: ")
                ?? TextUnreal.statement(text, after: "Ensure condition failed: ") ?? text
        }
        if let message = record.message {
            if message.contains("SIGSEGV") { record.signal = "SIGSEGV" }
            if message.contains("SIGABRT") { record.signal = "SIGABRT" }
            if message.contains("reading address") || message.contains("read memory") { record.access = "read" }
            if message.contains("writing address") || message.contains("write memory") { record.access = "write" }
            record.address = message.after("address ")?.leadingHex.map(Address.init)
        }
        record.pid = value("ProcessId").flatMap { Int($0) }
        record.executable = value("ExecutableName")
        record.commandLine = value("CommandLine")
        record.thread = value("CrashingThreadId").flatMap { Int($0) }
        record.os = value("Misc.OSVersionMajor") ?? value("PlatformFullName") ?? value("PlatformName")
        // Ticks of 100 ns since the year 1.
        if let ticks = value("TimeOfCrash").flatMap({ Int64($0) }), ticks > 621_355_968_000_000_000 {
            record.time = ISO8601.text((ticks - 621_355_968_000_000_000) / 10_000)
            record.timeSource = "dump"
        }
        for (name, label) in [
            ("CrashGUID", "crash guid"), ("EngineVersion", "engine"), ("BuildVersion", "build"),
            ("GameSessionID", "game session"),
        ] {
            if let found = value(name) { record.notes.append("\(label): \(found.prefix(200))") }
        }
        record.frames = frames()
        return record
    }

    /// `<CallStack>` has names, `<PCallStack>` module, base and offset.
    private func frames() -> [CrashFrame] {
        var frames: [CrashFrame] = []
        for line in (value("PCallStack") ?? "").split(separator: "\n" as Character).prefix(1024) {
            let words = line.split(separator: " " as Character).map { String($0).trimmed }
            guard words.count >= 4, words[2] == "+", let base = words[1].leadingHex,
                let offset = UInt64(words[3].hasPrefix("0x") ? String(words[3].dropFirst(2)) : words[3], radix: 16)
            else { continue }
            var frame = CrashFrame.printed(frames.count, function: nil)
            frame.module = words[0]
            frame.offset = Address(offset)
            frame.address = Address(base &+ offset)
            frames.append(frame)
        }
        var named: [CrashFrame] = []
        for line in (value("CallStack") ?? "").split(separator: "\n" as Character).prefix(1024) {
            if let frame = TextUnreal.frame(String(line).trimmed, index: named.count) {
                named.append(frame)
            } else if let bang = line.find("!") {
                var frame = CrashFrame.printed(named.count, function: nil)
                frame.module = line[..<bang.lowerBound].trimmed
                var rest = String(line[bang.upperBound...])
                if let open = rest.findLast(" ["), rest.trimmed.hasSuffix("]") {
                    let place = rest[open.upperBound...].trimmed.dropLast().fileAndLine
                    frame.file = place.file
                    frame.line = place.line
                    rest = String(rest[..<open.lowerBound])
                }
                let name = rest.trimmed
                frame.function = name.isEmpty || name.hasPrefix("UnknownFunction") ? nil : name
                named.append(frame)
            }
        }
        return named.contains { $0.function != nil } || frames.isEmpty ? named : frames
    }
}
