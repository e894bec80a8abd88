import Foundation
import Sandbox
import Testing

extension ServerSuites {
    /// Runs the commands of README and docs in a shell on a small fleet. An indented block that is
    /// neither run nor listed with a reason fails the test.
    @Suite(.serialized) struct DocumentedCommandsTests {
        /// What is done with a block.
        private enum Handling {
            /// All of it in one shell, which must end with one of these codes.
            case script(Set<Int32> = [0])
            /// Each line that begins with `$ `; each must end with one of these codes.
            case prompts(Set<Int32> = [0])
            /// Each line up to two blanks or a #, the rest is a comment.
            case commented(Set<Int32> = [0])
            /// A configuration that `doctor` must understand.
            case configuration
            /// The names of operations of the API.
            case operations
            /// A shell script that is read only.
            case syntax
            /// A program in Python for one pack.
            case python
            /// Not to be run here, and why.
            case notRun(String)
        }

        private static let output = Handling.notRun("not a command: what is printed, stored or drawn")

        /// Every block by its file and the beginning of its first line.
        private static let blocks: [(file: String, begins: String, handling: Handling)] = [
            ("README.md", "scripts/demo", .notRun("installs packages; .ci/run runs scripts/demo --quick")),
            ("README.md", "$ salvage harvest", .prompts([0, 3])),
            ("README.md", "$ salvage symbols add", .prompts()),
            ("README.md", "$ salvage crashes top", .prompts()),
            ("README.md", "$ salvage crashes diff", .prompts([0, 1])),
            ("README.md", "$ salvage show raid", .prompts()),
            ("README.md", "scripts/packages", .notRun("installs packages and builds; scripts/test does both")),
            ("README.md", "store: /var/lib/salvage", .configuration),
            ("README.md", "*/10 * * * *", .notRun("ServiceTests runs it as cron does")),
            ("README.md", "session-run  session-list", .operations),
            ("README.md", "$ salvage show nope", .prompts([1])),
            ("README.md", "salvage --json crashes top", .script()),
            ("README.md", "export SALVAGE_STORE", .notRun("needs servers; SharedStoreTests does the same")),
            ("README.md", "salvage-sandbox --images", .script([0, 3])),
            ("docs/configuration.md", "store: ./storage", .configuration),
            ("docs/configuration.md", "salvage.yaml: line 3", output),
            ("docs/configuration.md", "confinement:", .configuration),
            ("docs/crashes.md", "gdb -iex", .notRun("interactive; HostileCoreTests starts crash --debug")),
            ("docs/configuration.md", "store:", .notRun("needs servers; SharedStoreTests has such a configuration")),
            ("docs/fleet.md", "CREATE ROLE", .notRun("SQL for a server; SharedStoreTests makes such a role")),
            ("docs/fleet.md", "{\"Version\"", .notRun("a policy of AWS")),
            ("docs/fleet.md", "{\"Rules\"", .notRun("lifecycle rules of a bucket")),
            ("docs/fleet.md", "aws s3api", .notRun("changes a bucket")),
            ("docs/fleet.md", "store:", .notRun("needs servers; SharedStoreTests has such a configuration")),
            ("docs/fleet.md", "export SALVAGE_STORE", .notRun("needs servers; SharedStoreTests does the same")),
            ("docs/fleet.md", "salvage migrate --store /var", .notRun("needs servers; MigrateTests runs it")),
            ("docs/fleet.md", "salvage migrate --store postgres", .notRun("needs servers; MigrateTests moves back")),
            ("docs/fleet.md", "UPDATE meta", .notRun("SQL for a server; SharedStoreTests changes the record")),
            ("docs/fleet.md", "   pg_dump", .notRun("needs a server")),
            ("docs/handover.md", "symbols:", .configuration),
            ("docs/images.md", "#!/bin/sh", .syntax),
            ("docs/json.md", "crash session image", output),
            ("docs/json.md", "{\"type\":\"match\"", output),
            ("docs/sandbox.md", "swift build --product", .notRun("builds; scripts/demo starts what it builds")),
            ("docs/sandbox.md", "{\"executable\"", output),
            ("docs/sandbox.md", "curl -d", .script()),
            (
                "docs/sandbox.md", "salvage-sandbox --images images --root /tmp/sessions --fleet",
                .notRun("scripts/load does")
            ),
            (
                "docs/sandbox.md", "salvage-sandbox --images images --root /tmp/sessions --port 8080 --no-auth",
                .notRun("SampleProgramTests starts it")
            ),
            ("docs/sandbox.md", "curl --location", .notRun("SampleProgramTests runs it")),
            ("docs/sandbox.md", "const headers", .notRun("SampleProgramTests runs it")),
            ("docs/sandbox.md", "require \"json\"", .notRun("SampleProgramTests runs it")),
            ("docs/sandbox.md", "import requests", .notRun("SampleProgramTests runs it")),
            ("docs/sandbox.md", "curl --silent http://127.0.0.1:8080/_sandbox/openapi.json", .script()),
            ("docs/sandbox.md", "import Sandbox", .notRun("Swift; the tests of this folder do the same")),
            ("docs/sandbox.md", "let server", .notRun("Swift; the tests of this folder do the same")),
            ("docs/serve.md", "location / {", output),
            ("docs/serve.md", "salvage.example {", output),
            ("docs/serve.md", "curl -H", .notRun("needs a running server; ServeTests makes the same requests")),
            (
                "docs/service.md", "useradd --system",
                .notRun("changes the machine; ServiceTests does what can be tried")
            ),
            ("docs/service.md", "prune:", .configuration),
            ("docs/service.md", "salvage backup", .script()),
            ("docs/session-api.md", ".package(url", .notRun("lines of a manifest; ExampleTests runs the library")),
            ("storage/README.md", "catalog.sqlite  ", output),
            ("storage/README.md", "zstd -dc x.pack", .commented([0, 1])),
            ("storage/README.md", "tail -c 4096 x.pack", .script()),
            ("storage/README.md", "import json, struct", .python),
            ("storage/README.md", "+---", output),
            ("storage/README.md", "h6 = ", output),
            ("storage/README.md", "N.blocks", output),
            (
                "storage/README.md", "zstd -dc 0.blocks",
                .notRun("needs a log that is being followed; LiveTests reads one")
            ),
            ("storage/README.md", "sqlite3 -readonly", .script()),
        ]

        private struct Block {
            let file: String
            let line: Int
            let lines: [String]
            var first: String { lines[0] }
            var place: String { "\(file):\(line)" }
        }

        /// The blocks of a document: runs of lines indented by four blanks, after an empty line.
        private static func blocks(of file: String) throws -> [Block] {
            let text = try String(contentsOf: Program.package.appendingPathComponent(file), encoding: .utf8)
            var found: [Block] = []
            var open: [String] = []
            var before = ""
            for (index, line) in (text.components(separatedBy: "\n") + [""]).enumerated() {
                if line.hasPrefix("    "), !open.isEmpty || before.isEmpty {
                    open.append(String(line.dropFirst(4)))
                } else if !open.isEmpty {
                    found.append(Block(file: file, line: index - open.count + 1, lines: open))
                    open = []
                }
                before = line
            }
            return found
        }

        private static func documents() throws -> [String] {
            let docs = try FileManager.default.contentsOfDirectory(
                atPath: Program.package.appendingPathComponent("docs").path)
            return ["README.md", "storage/README.md"]
                + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
        }

        /// A fleet as the README's, harvested: two builds that crash, and a container that was gone.
        private struct Stage {
            let scratch: Scratch
            let server: SandboxServer
            let url: String
            let port: Int
            var store: String { scratch.path("store") }

            init() async throws {
                scratch = try Scratch()
                try shell(
                    """
                    '\(Program.package.path)/scripts/images/build' \(scratch.path("images"))
                    mkdir \(scratch.path("bin")) && cd \(scratch.path("bin")) \
                    && ln -s '\(Program.salvage.path)' '\(Program.folder.path)/salvage-sandbox' .
                    mkdir -p \(scratch.path("storage/demo/run")) && cp -r \(scratch.path("images")) \
                    \(scratch.path("storage/demo/run/images"))
                    """)
                var configuration = SandboxConfiguration(images: scratch.path("images"), root: scratch.path("sessions"))
                configuration.minute = 3
                server = try SandboxServer(configuration)
                url = try await server.start()
                port = try #require(URL(string: url)?.port)
                try "store: \(scratch.path("store"))\nrules: [{artifacts: [/game/Saved]}]\n".write(
                    toFile: scratch.path("salvage.yaml"), atomically: true, encoding: .utf8)
                for (id, tag) in [("raid-4d10", "1.4.0"), ("raid-5e11", "1.4.1")] {
                    let run = try sh(
                        "salvage api session-run --id \(id) --image shooter --version \(tag) --location europe "
                            + "--arg --seconds=1")
                    try #require(run.status == 0, "\(run.out)")
                }
                let gone = "salvage api session-run --id gone-e4d2 --image lobby --version 1.0.0 --location europe"
                try #require(try sh(gone + " && salvage harvest && salvage api session-stop gone-e4d2").status == 0)
                for _ in 0..<300 where try sh("salvage --json api session-list").out.contains("raid") {
                    try await Task.sleep(for: .milliseconds(200))
                }
                server.removeContainer("gone-e4d2")
                try #require(try sh("salvage harvest").status == 3)
            }

            /// Runs a text as a user's shell would, in a folder of its own; standard error is among the output.
            func sh(_ text: String) throws -> (status: Int32, out: String) {
                let variables = [
                    "PATH": "\(scratch.path("bin")):/usr/local/bin:/usr/bin:/bin", "SALVAGE_STORE": store,
                    "SALVAGE_CONFIG": scratch.path("salvage.yaml"), "SALVAGE_API_URL": url,
                    "SWIFT_BACKTRACE": "enable=no",
                    "GAMEYE_API_TOKEN": "sandbox", "HOME": scratch.url.path, "TMPDIR": scratch.url.path,
                ]
                let file = scratch.path("script-\(UUID().uuidString)")
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                let environment = variables.map { "'\($0.key)=\($0.value)'" }.joined(separator: " ")
                return try shell("cd \(scratch.url.path) && env -i \(environment) /bin/sh \(file) 2>&1")
            }

            /// The documents' paths and names, as they are here.
            func here(_ text: String) -> String {
                var text = text
                for (from, to) in [
                    ("/mnt/backup/salvage", scratch.path("backup")), ("/etc/salvage/", scratch.path("")),
                    ("--store /var/lib/salvage", "--store \(scratch.path("restored-\(UUID().uuidString)"))"),
                    ("/usr/local/bin/salvage", "salvage"),
                ] { text = text.replacingOccurrences(of: from, with: to) }
                return text
            }
        }

        @Test func everyBlockOfTheDocumentsDoesWhatItSaysOrIsListed() async throws {
            let stage = try await Stage()
            try shell("cp $(find \(stage.store)/packs -name 'raid-4d10.pack') \(stage.scratch.path("x.pack"))")
            var met: Set<Int> = []
            for file in try Self.documents() {
                for block in try Self.blocks(of: file) {
                    let index = Self.blocks.firstIndex { $0.file == file && block.first.hasPrefix($0.begins) }
                    guard let index else {
                        Issue.record("\(block.place) is neither run nor listed: \(block.first)")
                        continue
                    }
                    met.insert(index)
                    try run(block, Self.blocks[index].handling, stage)
                }
            }
            for (index, entry) in Self.blocks.enumerated() where !met.contains(index) {
                Issue.record("\(entry.file) has no block any more that begins with \(entry.begins)")
            }
            await stage.server.stop()
        }

        private func run(_ block: Block, _ handling: Handling, _ stage: Stage) throws {
            func expect(_ text: String, _ codes: Set<Int32>) throws {
                let outcome = try stage.sh(text)
                #expect(codes.contains(outcome.status), "\(block.place): \(text)\n\(outcome.status): \(outcome.out)")
            }
            switch handling {
            case .script(let codes): try expect(script(block, stage), codes)
            case .prompts(let codes):
                for line in block.lines where line.hasPrefix("$ ") {
                    try expect(stage.here(String(line.dropFirst(2))), codes)
                    guard codes == [1] else { continue }
                    // An error is printed as it is documented.
                    let said = try stage.sh(String(line.dropFirst(2))).out
                    #expect(said == block.lines.dropFirst().joined(separator: "\n") + "\n", "\(block.place)")
                }
            case .commented(let codes):
                for line in block.lines {
                    try expect(String(line.components(separatedBy: "   ")[0]), codes)
                }
            case .configuration:
                let name = stage.scratch.path("documented-\(UUID().uuidString).yaml")
                try block.lines.joined(separator: "\n").write(toFile: name, atomically: true, encoding: .utf8)
                try expect("salvage doctor --offline --config \(name) --store \(stage.store)", [0, 3])
            case .operations:
                for name in block.lines.joined(separator: " ").split(separator: " ") {
                    try expect("salvage api \(name) --help", [0])
                }
            case .syntax: try expect("sh -n <<'END'\n\(block.lines.joined(separator: "\n"))\nEND", [0])
            case .python: try expect("python3 - x.pack <<'END'\n\(block.lines.joined(separator: "\n"))\nEND", [0])
            case .notRun(let reason): #expect(!reason.isEmpty)
            }
        }

        private func script(_ block: Block, _ stage: Stage) -> String {
            var text = stage.here(block.lines.joined(separator: "\n"))
            if block.file == "storage/README.md", text.contains("sqlite3") { text = "cd \(stage.store) && " + text }
            guard block.first.hasPrefix("salvage-sandbox") else {
                return "set -e\n" + text.replacingOccurrences(of: ":8080", with: ":\(stage.port)")
            }
            // A server of its own, which a user types slowly enough to wait for; it ends with the script.
            let port = 20_000 + Int.random(in: 0..<20_000)
            text = text.replacingOccurrences(of: "8080", with: "\(port)")
                .replacingOccurrences(of: "/tmp/sessions", with: stage.scratch.path("more-sessions"))
            let wait =
                "server=$!; trap 'kill $server' EXIT; unset SALVAGE_CONFIG\n"
                + "for i in $(seq 100); do curl -s -o /dev/null http://127.0.0.1:\(port)/ && break; sleep 0.1; done\n"
            let lines = text.components(separatedBy: "\n")
            return lines[0] + "\n" + wait + "set -e\n" + lines.dropFirst().joined(separator: "\n")
        }

        /// The examples of the README's table of commands.
        private static func examples() throws -> [String] {
            let text = try String(contentsOf: Program.package.appendingPathComponent("README.md"), encoding: .utf8)
            return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { row -> [String] in
                let cells = row.split(separator: "|").map(String.init)
                guard cells.count == 3 else { return [] }
                let parts = cells[2].components(separatedBy: "`")
                return stride(from: 1, to: parts.count, by: 2).map { parts[$0] }.filter { $0.hasPrefix("salvage ") }
            }
        }

        @Test func everyExampleOfTheTableOfCommandsRuns() async throws {
            let stage = try await Stage()
            let examples = try Self.examples()
            #expect(examples.count >= 30, "\(examples)")
            try shell(
                """
                cd \(stage.scratch.url.path) && mkdir -p one/Saved/Crashes && echo note > one/Saved/Crashes/note \
                && tar czf saved.tar.gz -C one Saved && cp saved.tar.gz x.tar.gz && mkdir image-root build \
                && cp images/shooter/*/* image-root/ 2>/dev/null; cp /bin/true core
                """)
            let crash = try stage.sh("salvage crashes --json --limit 1").out
            let id = try #require(
                crash.components(separatedBy: "\"crash\":\"").dropFirst().first?.prefix { $0 != "\"" })
            for example in examples {
                var text = stage.here(example).replacingOccurrences(of: "bd401ca1", with: String(id))
                // A session to ingest into, which holds what `cat` is shown with; what is ingested has other paths.
                for name in [" ID", " raid-4d "] {
                    text = text.replacingOccurrences(of: name, with: " raid-4d10" + (name.last == " " ? " " : ""))
                }
                // What runs until it is told to end.
                if text.hasPrefix("salvage watch") || text.hasPrefix("salvage serve") {
                    let port = text.hasPrefix("salvage serve") ? " --listen 127.0.0.1:0" : ""
                    let watched = try stage.sh(
                        "timeout --signal=TERM 3 " + text.replacingOccurrences(of: "19187", with: "0") + port)
                    #expect(watched.status == 124, "\(text): \(watched.status) \(watched.out)")
                    continue
                }
                let outcome = try stage.sh(text)
                // 1 is an answer: nothing of that kind is in this store. A file that is no dump is the example's, not ours.
                let codes: Set<Int32> = text.hasPrefix("salvage analyze") ? [0, 1, 2, 3] : [0, 1, 3]
                #expect(codes.contains(outcome.status), "\(text)\n\(outcome.status): \(outcome.out)")
                #expect(!outcome.out.contains("usage"), "\(text)\n\(outcome.out)")
            }
            await stage.server.stop()
        }
    }
}
