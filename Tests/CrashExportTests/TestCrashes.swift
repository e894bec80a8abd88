import CZlib
import Foundation
import JSON
import Model

@testable import CrashExport

/// Crashes, folders and envelopes for tests.
enum TestCrashes {
    static func record(_ id: String = "c0ffee", frames: Int = 3) -> CrashRecord {
        var record = CrashRecord(kind: "minidump")
        record.crash = id
        record.session = "session-1"
        record.image = "studio/arena"
        record.tag = "1.4.0"
        record.location = "eu-west"
        record.time = "2026-11-20T10:11:12.345Z"
        record.signal = "SIGSEGV"
        record.exception = "SEGV_MAPERR"
        record.address = Address(0x10)
        record.os = "linux"
        record.arch = "amd64"
        record.thread = 7
        record.threadName = "GameThread"
        record.message = "null world"
        record.commandLine = "/srv/game --password=hunter2"
        record.signature = "Game::tick"
        record.frames = (0..<frames).map { index in
            var frame = CrashFrame(index: index, trust: index == 0 ? .context : .cfi)
            frame.address = Address(0x40_1000 + UInt64(index))
            frame.module = "game"
            frame.offset = Address(0x1000 + UInt64(index))
            frame.function = "Game::f\(index)()"
            frame.file = "/src/game/f\(index).cpp"
            frame.line = index + 1
            return frame
        }
        var module = CrashModule(name: "game", path: "/srv/game", base: Address(0x40_0000), size: 0x10_0000)
        module.buildID = "0102030405060708090a0b0c0d0e0f1011121314"
        record.modules = [module]
        record.threads = [
            CrashThread(thread: 7, name: "GameThread", frames: record.frames, registers: ["rip": Address(0x40_1000)]),
            CrashThread(thread: 8, name: "Worker", frames: Array(record.frames.prefix(1))),
        ]
        return record
    }

    static func crash(_ record: CrashRecord = record()) -> ExportedCrash {
        var crash = ExportedCrash(record: record, session: "session-1", signature: record.signature)
        crash.host = "10.0.0.7"
        crash.link = "https://salvage.studio.example/crashes/\(record.crash)"
        return crash
    }

    static func minidump(_ bytes: [UInt8], size: UInt64? = nil, piece: Int = 1000) -> Minidump {
        Minidump(name: "game.dmp", size: size ?? UInt64(bytes.count)) { pass in
            for start in stride(from: 0, to: bytes.count, by: piece) {
                try pass(Array(bytes[start..<min(bytes.count, start + piece)]))
            }
        }
    }

    /// Decompresses one gzip member; nil if it is not whole, or something follows.
    static func inflated(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        var input = bytes
        var out: [UInt8] = []
        var code = Z_OK
        input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            while code == Z_OK {
                var chunk = [UInt8](repeating: 0, count: 1 << 16)
                let room = UInt32(chunk.count)
                code = chunk.withUnsafeMutableBufferPointer { target in
                    stream.next_out = target.baseAddress
                    stream.avail_out = room
                    return inflate(&stream, Z_NO_FLUSH)
                }
                out += chunk.prefix(Int(room - stream.avail_out))
            }
        }
        return code == Z_STREAM_END && stream.avail_in == 0 ? out : nil
    }
}

/// A strict reader of envelopes, written from Sentry's documentation and not from the writer: every item must have a length
/// and end with a newline, and nothing may follow the last.
struct TestEnvelope {
    struct Item {
        var header: JSONValue
        var payload: [UInt8]
    }

    struct Malformed: Error {
        var why: String
    }

    var header: JSONValue
    var items: [Item] = []

    init(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        func line() throws -> JSONValue {
            guard let end = rest.firstIndex(of: 0x0A) else { throw Malformed(why: "a header without an end") }
            defer { rest = rest[(end + 1)...] }
            return try JSONValue(parsing: rest[..<end])
        }
        header = try line()
        while !rest.isEmpty {
            let header = try line()
            guard let length = header["length"]?.int64, length >= 0, length <= rest.count else {
                throw Malformed(why: "a length that is missing or too large")
            }
            let payload = Array(rest.prefix(Int(length)))
            rest = rest.dropFirst(Int(length))
            guard rest.popFirst() == 0x0A else { throw Malformed(why: "an item that does not end with a newline") }
            items.append(Item(header: header, payload: payload))
        }
    }

    /// The event.
    var event: JSONValue? {
        items.first { $0.header["type"]?.string == "event" }.flatMap { try? JSONValue(parsing: $0.payload) }
    }

    var minidump: [UInt8]? {
        items.first { $0.header["attachment_type"]?.string == "event.minidump" }?.payload
    }
}

/// A folder that is removed at the end.
final class TestFolder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("export-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The text of every file, for a search for secrets.
    var everything: String {
        let files = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return files.compactMap { try? String(contentsOfFile: path + "/" + $0, encoding: .utf8) }.joined(
            separator: "\n")
    }
}
