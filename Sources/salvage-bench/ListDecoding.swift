import ArgumentParser
import FoundationEssentials
import Glibc
import SessionAPI

/// `salvage-bench list`: measures the decoding of a long session list, against Foundation's decoder.
struct ListDecoding: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Write a session list, or decode one and print CPU seconds and peak memory.")

    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case write, stream, foundation
    }

    @Argument(help: "write, stream or foundation.") var mode: Mode
    @Argument(help: "The file.") var file: String
    @Option(help: "Number of sessions to write.") var entries = 100_000

    func run() throws {
        switch mode {
        case .write: write()
        case .stream: try measure { try stream() }
        case .foundation: try measure { try foundation() }
        }
    }

    private func write() {
        let output = OutputFile(file)
        var buffer: [UInt8] = []
        SyntheticSessionList(entries: entries).write { piece in
            buffer.append(contentsOf: piece.utf8)
            guard buffer.count > 1 << 20 else { return }
            output.write(buffer)
            buffer.removeAll(keepingCapacity: true)
        }
        output.write(buffer)
    }

    /// Decodes as from a socket: 64 KiB at a time, never the whole list in memory.
    private func stream() throws -> Int {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { fail(file) }
        defer { close(descriptor) }
        var decoder = SessionListDecoder()
        var sessions = 0
        var seen = 0
        func take(_ entry: SessionEntry) {
            sessions += 1
            seen &+=
                entry.id.utf8.count &+ Int(entry.created ?? 0) &+ entry.labels.tags.count
                &+ (entry.tag?.utf8.count ?? 0)
        }
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            try buffer.withUnsafeBytes { try decoder.push(UnsafeRawBufferPointer(rebasing: $0[..<count]), entry: take) }
        }
        _ = try decoder.finish(entry: take)
        return sessions
    }

    private func foundation() throws -> Int {
        struct Entry: Decodable {
            var id: String
            var image: String
            var tag: String?
            var location: String
            var created: Double
            var labels: [String: String]
        }
        struct List: Decodable {
            var sessions: [Entry]
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        return try JSONDecoder().decode(List.self, from: data).sessions.count
    }

    private func measure(_ work: () throws -> Int) throws {
        let before = Self.cpu()
        let sessions = try work()
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        print("\(mode.rawValue)\t\(sessions)\t\(Self.cpu() - before)\t\(usage.ru_maxrss / 1024)")
    }

    private static func cpu() -> Double {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6 + Double(usage.ru_stime.tv_sec)
            + Double(usage.ru_stime.tv_usec) / 1e6
    }
}
