/// What stands after a report, within the same run of the program: whether it lived on.
struct Aftermath {
    /// How far is looked.
    static let reach = 48 << 10
    /// So many lines of a logger prove that the process lived on, whatever the report says.
    static let hundred = 100

    /// Lines of the program's logger in the same run, counted to a hundred.
    private(set) var logged = 0
    /// Unstamped lines that look like lines before the report, counted to a hundred.
    private(set) var familiar = 0
    /// True when another run begins.
    private(set) var restarts = false

    /// Reads on from `end`. `familiar` are shapes of the lines before the report.
    init(
        _ source: any ByteSource, from end: UInt64, supervisor: Supervisor, boundary: RunBoundary,
        familiarWords: Set<String>, enough: Int
    ) {
        guard end < source.size,
            let window = TextWindow(source, from: end, place: end, after: Self.reach, supervisor: supervisor)
        else { return }
        for index in 0..<window.count {
            let line = window.text(index)
            if line.trimmed.isEmpty { continue }
            let isSupervisors = window.isSupervisors(index)
            if boundary.isBoundary(line, at: window.offset(index), isSupervisors: isSupervisors) {
                restarts = true
                return
            }
            if isSupervisors { continue }
            if LineHead(line).isLogged {
                if !Self.isShutdown(line) { logged += 1 }
            } else if familiarWords.contains(Self.opening(line)) {
                familiar += 1
            }
            if logged >= enough || familiar >= enough { return }
        }
    }

    /// What a dying engine still logs by itself.
    private static func isShutdown(_ line: String) -> Bool {
        shutdown.contains { line.contains($0) }
    }

    private static let shutdown = [
        "LogExit: ", "StaticShutdownAfterError", "Stopping server", "Saving ", "Shutting down", "shutting down",
        "Server closed", "Shutdown", "hutdown-hook", "are saved", "crash report", "Crash report",
    ]

    /// The first word of a line, digits as zeros: lines of one kind share it.
    static func opening(_ line: String) -> String {
        var result: [UInt8] = []
        for byte in line.utf8.prefix(24) {
            if byte == 0x20 || byte == 0x3a { break }
            let next: UInt8 = byte >= 0x30 && byte <= 0x39 ? 0x30 : byte
            if next == 0x30, result.last == 0x30 { continue }
            result.append(next)
        }
        return String(decoding: result, as: UTF8.self)
    }
}
