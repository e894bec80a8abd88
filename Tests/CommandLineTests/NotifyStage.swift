import Foundation
import Synchronization
import Testing

/// Ended sessions that crashed, and a server that takes webhooks.
final class NotifyStage {
    /// The part of the webhook's address that is its password.
    static let secret = "S3CRETPATHOFTHEHOOK"

    /// A webhook that answers what a test says.
    final class Hook: Sendable {
        private let answers: Mutex<[AnsweringServer.Answer]>
        private let bodies = Mutex<[[UInt8]]>([])
        private let isHanging: Mutex<Bool>

        /// - Parameter answers: the first answers; then 204.
        init(_ answers: [AnsweringServer.Answer] = [], hangs: Bool = false) {
            self.answers = Mutex(answers)
            isHanging = Mutex(hangs)
        }

        func release() { isHanging.withLock { $0 = false } }

        func take(_ request: AnsweringServer.Request) -> AnsweringServer.Answer {
            bodies.withLock { $0.append(request.body) }
            for _ in 0..<1200 where isHanging.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.05) }
            return answers.withLock { $0.isEmpty ? .init(status: 204, body: []) : $0.removeFirst() }
        }

        /// Every request's events.
        var messages: [[[String: Any]]] {
            bodies.withLock { $0 }.map { body in
                let object = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any]
                return object?["events"] as? [[String: Any]] ?? []
            }
        }

        /// Every request's body.
        var objects: [[String: Any]] {
            bodies.withLock { $0 }.compactMap {
                (try? JSONSerialization.jsonObject(with: Data($0))) as? [String: Any]
            }
        }
    }

    let fleet: EndedFleet
    let hooks: [String: Hook]
    private let server: AnsweringServer
    private let rules: String

    var scratch: Scratch { fleet.scratch }
    var store: String { scratch.path("store") }

    /// - Parameters:
    ///   - sessions: the ids of the sessions; each crashed.
    ///   - hooks: by name; each has the file `NAME.url` with its address.
    init(sessions: [String] = ["s1"], hooks: [String: Hook] = ["a": Hook()]) throws {
        self.hooks = hooks
        server = try AnsweringServer { request in
            let name = String(decoding: request.path, as: UTF8.self).split(separator: "/").first.map(String.init)
            return name.flatMap { hooks[$0] }?.take(request) ?? .notFound
        }
        let entries = sessions.map {
            #"{"id":"\#($0)","image":"arena","tag":"1.4.0","location":"eu","created":1790000000000,"status":"exited"}"#
        }.joined(separator: ",")
        fleet = try EndedFleet(
            list: { Array(#"{"sessions":[\#(entries)]}"#.utf8) },
            logs: { id in
                Array(
                    """
                    hello from \(String(decoding: id, as: UTF8.self))
                    panic: runtime error: invalid memory address or nil pointer dereference
                    [signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f5c5]

                    goroutine 1 [running]:
                    main.tick()
                    \t/app/main.go:10 +0x1d
                    main.main()
                    \t/app/main.go:4 +0x1d

                    """.utf8)
            })
        rules = try String(contentsOfFile: fleet.scratch.path("salvage.yaml"), encoding: .utf8)
        for name in hooks.keys {
            try write("\(server.url)/\(name)/\(Self.secret)\n", to: "\(name).url")
        }
    }

    deinit {
        for hook in hooks.values { hook.release() }
        server.stop()
        fleet.server.stop()
    }

    /// Writes a file that only its owner may read.
    func write(_ text: String, to name: String, mode: Int = 0o600) throws {
        try text.write(toFile: scratch.path(name), atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: scratch.path(name))
    }

    /// Configures channels, each in one line of YAML; `{folder}` is where the files are.
    func configure(_ channels: String...) throws {
        let lines = channels.map { "    - " + $0.replacing("{folder}", with: scratch.url.path) }.joined(separator: "\n")
        let text = rules + "notify:\n  page: https://salvage.studio.example\n  channels:\n\(lines)\n"
        try text.write(toFile: scratch.path("salvage.yaml"), atomically: true, encoding: .utf8)
    }

    /// Runs a command; its output never has a secret.
    @discardableResult
    func salvage(_ arguments: String...) throws -> Program.Outcome {
        let outcome = try Program.run(arguments, environment: fleet.environment)
        #expect(!(outcome.out + outcome.err).contains(Self.secret), "\(arguments): \(outcome.out)\(outcome.err)")
        return outcome
    }

    /// The channels as `status` reports them.
    func channels() throws -> [String: [String: Any]] {
        let status = try salvage("status", "--json").objects.first
        let list = status?["notifications"] as? [[String: Any]] ?? []
        return list.reduce(into: [:]) { $0[$1["channel"] as? String ?? ""] = $1 }
    }

    /// The outbox's journal.
    var journal: String {
        (try? String(contentsOfFile: store + "/notify/outbox.jsonl", encoding: .utf8)) ?? ""
    }

    /// Starts `watch`, whose log goes to a file.
    func watch(_ arguments: String...) throws -> Watch {
        try Watch(log: scratch.path("watch-\(UUID().uuidString).log"), arguments, fleet.environment)
    }

    /// A daemon whose log can be read while it runs.
    final class Watch {
        private let process = Process()
        private let log: String

        init(log: String, _ arguments: [String], _ environment: [String: String]) throws {
            self.log = log
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            process.executableURL = Program.salvage
            process.arguments = ["watch"] + arguments
            process.environment = environment.merging(["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]) { $1 }
            process.standardInput = FileHandle.nullDevice
            process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
            process.standardOutput = FileHandle.nullDevice
            try process.run()
        }

        deinit { if process.isRunning { process.terminate() } }

        var said: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

        func end(by signal: Int32 = SIGTERM) {
            kill(process.processIdentifier, signal)
            process.waitUntilExit()
        }
    }

    /// Waits until something holds; fails the test after a minute.
    func until(_ what: String, _ holds: () throws -> Bool) throws {
        for _ in 0..<600 {
            if try holds() { return }
            Thread.sleep(forTimeInterval: 0.1)
        }
        Issue.record("a minute passed, and still not: \(what)")
    }
}
