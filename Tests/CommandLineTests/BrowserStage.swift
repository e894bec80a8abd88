import Foundation
import Testing

/// A store with crashes of several builds, the real `salvage serve` over it, and the browser's script.
final class BrowserStage {
    let scratch = try? Scratch()
    private var server: Program.Running?

    /// Why no browser can be driven here; nil if one can.
    static let missing: String? = {
        for tool in ["/usr/bin/chromium", "/usr/bin/chromedriver"]
        where !FileManager.default.isExecutableFile(atPath: tool) {
            return "\(tool) is missing: scripts/packages --test installs it"
        }
        return FileManager.default.isExecutableFile(atPath: python) ? nil : "scripts/browser-tools installs selenium"
    }()

    private static let python =
        (ProcessInfo.processInfo.environment["SALVAGE_BROWSER_TOOLS"]
            ?? Program.package.appendingPathComponent(".build/browser-tools").path) + "/bin/python"

    /// Where the pictures go.
    private static let pictures =
        ProcessInfo.processInfo.environment["SALVAGE_PICTURES"]
        ?? Program.package.appendingPathComponent(".build/browser-pictures").path

    private let start = Date()

    private func path(_ name: String) throws -> String { try #require(scratch).path(name) }

    /// Ends the server.
    func stop() {
        server?.process.terminate()
        _ = server?.wait()
        server = nil
    }

    // MARK: The store

    /// What one session is.
    struct Session {
        var id: String
        var image = "shooter"
        var tag: String
        var location = "eu-west"
        var labels: [String] = []
        /// How long ago it ended, in hours.
        var hoursAgo: Double
        var lines: [String] = []
        /// The functions of its crash, innermost first; none without a crash.
        var functions: [String] = []
        var message = "heap-use-after-free"
    }

    /// Ingests sessions as a harvest would have collected them.
    func ingest(_ sessions: [Session]) throws {
        for (number, session) in sessions.enumerated() {
            let log = try path("log-\(number)")
            try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: true)
            try text(session).write(toFile: log + "/server.log", atomically: true, encoding: .utf8)
            var arguments = [
                "ingest", "--session=" + session.id, "--image=" + session.image, "--tag=" + session.tag,
                "--location=" + session.location, "--created=" + time(session, -1800), "--exited=" + time(session, 0),
            ]
            arguments += session.labels.map { "--label=" + $0 } + [log + "/server.log"]
            let outcome = try Program.run(arguments, environment: ["SALVAGE_STORE": try path("store")])
            #expect(outcome.status == 0, "\(outcome.err)")
            try FileManager.default.removeItem(atPath: log)
        }
    }

    private func time(_ session: Session, _ seconds: Double) -> String {
        start.addingTimeInterval(-session.hoursAgo * 3600 + seconds).ISO8601Format()
    }

    private func text(_ session: Session) -> String {
        var lines = ["\(time(session, -60)) LogInit: map loaded", "\(time(session, -30)) LogNet: player joined"]
        lines += session.lines.map { "\(time(session, -10)) LogGame: \($0)" }
        guard !session.functions.isEmpty else { return lines.joined(separator: "\n") + "\n" }
        lines += [
            "==12==ERROR: AddressSanitizer: \(session.message) on address 0x602000000010 at pc 0x55d0c0a1 bp 0x7ffd sp 0x7ffc",
            "READ of size 4 at 0x602000000010 thread T0",
        ]
        lines += session.functions.enumerated().map { index, function in
            "    #\(index) 0x55d0c0a\(index) in \(function) /src/game/file\(index).cpp:\(40 + index):7"
        }
        lines += [
            "", "0x602000000010 is located 0 bytes inside of 16-byte region [0x602000000010,0x602000000020)",
            "SUMMARY: AddressSanitizer: \(session.message) /src/game/file0.cpp:40:7 in \(session.functions[0])",
            "==12==ABORTING",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: The browser

    /// Starts the server and lets the browser play; returns what it printed.
    func play(_ mode: String, facts: [String: Any]) throws -> (status: Int32, out: String) {
        let port = try freePort()
        server = try Program.start(
            ["serve", "--listen", "127.0.0.1:\(port)"], environment: ["SALVAGE_STORE": try path("store")])
        defer { stop() }
        let address = "http://127.0.0.1:\(port)"
        for _ in 0..<600 where try shell("curl -fsS -o /dev/null \(address)/sign-in").status != 0 { usleep(100_000) }
        let file = try path("facts.json")
        try JSONSerialization.data(withJSONObject: facts).write(to: URL(fileURLWithPath: file))
        let script = Program.package.appendingPathComponent("Tests/Browser/story.py").path
        return try shell("'\(Self.python)' '\(script)' \(mode) \(address) '\(Self.pictures)' '\(file)' 2>&1")
    }

    private func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, name, length) == 0 && getsockname(descriptor, name, &length) == 0
            }
        }
        try #require(isBound)
        return UInt16(bigEndian: address.sin_port)
    }
}
