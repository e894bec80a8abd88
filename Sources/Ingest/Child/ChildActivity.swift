import Files
import Glibc

/// What the threads of a child are doing, from `/proc`.
struct ChildActivity {
    /// The state letter of each thread, as in proc(5).
    private var threads: [UInt8] = []
    /// Processor time used by all threads, in milliseconds.
    private(set) var used: Int64 = 0
    private var isKnown = false

    init(of child: pid_t) {
        let folder = "/proc/\(child)/task"
        // A child that has ended has no folder: its activity stays unknown.
        guard let threads = try? OpenFolder(path: folder).names() else { return }
        for name in threads.compactMap(\.text) {
            guard Int(name) != nil, let fields = Self.fields("\(folder)/\(name)/stat") else { continue }
            self.threads.append(fields[0].utf8.first ?? 0)
        }
        // The process's own times include threads that have ended.
        guard let fields = Self.fields("/proc/\(child)/stat"), let user = Int64(fields[11]),
            let system = Int64(fields[12])
        else { return }
        used = (user + system) &* 1000 / Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        isKnown = !self.threads.isEmpty
    }

    /// Returns why the child was not done within `limit` milliseconds, if the machine is the cause; nil if the child
    /// computed for a good part of that time or blocked on itself.
    ///
    /// - Parameters:
    ///   - limit: the time, in milliseconds.
    ///   - usedBefore: the processor time used before that, in milliseconds.
    func hindrance(limit: Int64, usedBefore: Int64 = 0) -> String? {
        let used = self.used - usedBefore
        guard isKnown else { return "its activity is unknown" }
        if threads.contains(where: { [UInt8(ascii: "T"), UInt8(ascii: "t")].contains($0) }) {
            return "it had been stopped by a signal or a debugger"
        }
        if threads.contains(UInt8(ascii: "D")) { return "it was waiting for disk I/O" }
        if threads.contains(UInt8(ascii: "R")), used < limit / 4 {
            return "the machine gave it only \(used / 1000) s of CPU time"
        }
        return nil
    }

    /// Returns the fields after the command's name, starting with the state; nil when the file cannot be read.
    private static func fields(_ path: String) -> [Substring]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        // The name is in parentheses and may contain any character.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 12 ? fields : nil
    }
}
