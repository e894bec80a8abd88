/// Counts the lines after a report in the same run of the program, which show whether it lived on.
struct Aftermath {
    /// How far after a report to read, in bytes.
    static let reach = 48 << 10
    /// A hundred lines of a logger prove that the process lived on, whatever the report says.
    static let hundred = 100

    /// The most lines that are taken for a shutdown: an autosave logs such words all day.
    private static let mostShutdown = 60

    /// Lines of the program's logger, without those of a shutdown, counted up to `enough`.
    private(set) var logged = 0
    /// Lines without a logger's head that look like lines before the report, counted up to `enough`.
    private(set) var familiar = 0

    /// Reads on from `end`. `familiarWords` are the first words of the lines before the report.
    init(
        _ source: any ByteSource, from end: UInt64, supervisor: Supervisor, boundary: RunBoundary,
        familiarWords: Set<String>, enough: Int
    ) {
        var shutdown = 0
        let lines = RunLines(
            source, from: end, to: end &+ UInt64(Self.reach), supervisor: supervisor, boundary: boundary)
        for line in lines where !line.isSupervisors {
            let head = line.head
            // A time before an empty line or a rule is a wrapper's.
            if head.isLogged, !Self.hasLetters(line.text.utf8.dropFirst(head.length)) { continue }
            if head.isLogged {
                if shutdown < Self.mostShutdown, Self.isShutdown(line.text, head) { shutdown += 1 } else { logged += 1 }
            } else if familiarWords.contains(Self.opening(line.text)) {
                familiar += 1
            }
            if logged >= enough || familiar >= enough { return }
        }
    }

    private static func hasLetters(_ text: Substring.UTF8View) -> Bool {
        text.contains { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 >= 0x80 }
    }

    /// True for a line that a dying engine still logs.
    static func isShutdown(_ line: String, _ head: LineHead) -> Bool {
        if head.names.contains("LogExit") || head.names.contains("LogModuleManager") { return true }
        let text = String(decoding: line.utf8.dropFirst(head.length), as: UTF8.self)
        return shutdownWords.contains { text.hasPrefix($0) } || head.names.contains { $0.contains("hutdown-hook") }
    }

    private static let shutdownWords = [
        "StaticShutdownAfterError", "Stopping server", "Stopping the server", "Saving ", "Shutting down",
        "shutting down",
        "Shutdown", "Preparing crash report", "This crash report has been saved", "ThreadedAnvilChunkStorage", "All ",
        "All dimensions are saved", "Flushing ", "Closing ", "closing ",
    ]

    /// The first word of a line with each run of digits as one zero: lines of one kind share it.
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
