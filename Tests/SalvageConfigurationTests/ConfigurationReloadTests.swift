import Files
import Glibc
import Testing

@testable import SalvageConfiguration

@Suite struct ConfigurationReloadTests {
    private static let good = "store: /s\nrules:\n  - artifacts: [/game/Saved]\n"

    @Test(arguments: [
        ("", "has no keys"), ("# only a comment\n", "has no keys"), ("---\n", "has no keys"), ("{}", "has no keys"),
        (" \n\n", "has no keys"), ("null\n", "has no keys"), ("store: /s\n", "no longer has rules"),
        ("store: /s\nrules:\n", "no longer has rules"), ("rules: []\n", "no longer have artifacts"),
        ("rules:\n  - name: game\n    artifacts:\n", "no value"),
        ("rules:\n  - name: game\n    artifacts: []\n", "no longer have artifacts"),
        ("rules:\n  - name: game\n", "no longer have artifacts"),
        ("store: /s\nrules: [\n", "YAML"), ("store: /s\nbogus: 1\n", "unknown key"),
    ])
    func anAccidentIsRefused(_ text: String, _ word: String) throws {
        let folder = TemporaryFolder()
        let file = folder.path + "/c.yaml"
        let flags = Configuration.Flags(config: file)
        ConfigurationSourcesTests.write(Self.good, to: file)
        let before = try Configuration.load(flags: flags, environment: [:])
        #expect(try Configuration.reload(before, flags: flags, environment: [:]) == before)
        ConfigurationSourcesTests.write(text, to: file)
        let refusal = #expect(throws: ConfigurationError.self) {
            try Configuration.reload(before, flags: flags, environment: [:])
        }
        #expect(refusal?.code == .invalidConfiguration)
        #expect(refusal?.message.contains(word) == true, "\(String(describing: refusal))")
    }

    @Test func whatIsNoFileIsRefused() throws {
        let folder = TemporaryFolder()
        let file = folder.path + "/c.yaml"
        let flags = Configuration.Flags(config: file)
        ConfigurationSourcesTests.write(Self.good, to: file)
        let before = try Configuration.load(flags: flags, environment: [:])
        func refusal() -> String {
            do {
                return "\(try Configuration.reload(before, flags: flags, environment: [:]))"
            } catch {
                return error.message
            }
        }
        unlink(file)
        #expect(refusal().contains("does not exist"))
        mkfifo(file, 0o600)
        #expect(refusal().contains("a pipe"))
        // A pipe whose writer is silent does not block it either.
        let writer = open(file, O_RDWR)
        defer { close(writer) }
        #expect(refusal().contains("a pipe"))
        unlink(file)
        mkdir(file, 0o700)
        #expect(refusal().contains("a folder"))
        rmdir(file)
        symlink("/dev/zero", file)
        #expect(refusal().contains("a device"))
        unlink(file)
        ConfigurationSourcesTests.write(String(repeating: "# much\n", count: 200_000), to: file)
        #expect(refusal().contains("larger than 1 MiB"))
    }

    @Test func aFileThatWasFoundAndIsGoneIsRefused() throws {
        let folder = TemporaryFolder()
        mkdir(folder.path + "/salvage", 0o700)
        let file = folder.path + "/salvage/salvage.yaml"
        ConfigurationSourcesTests.write(Self.good, to: file)
        let environment = ["XDG_CONFIG_HOME": folder.path]
        let before = try Configuration.load(environment: environment)
        #expect(before.file == file)
        unlink(file)
        let refusal = #expect(throws: ConfigurationError.self) {
            try Configuration.reload(before, environment: environment)
        }
        #expect(refusal?.message.contains("no longer exists") == true)
    }

    @Test func aPipeIsReadAtTheStartAndOneThatSaysNothingIsAnError() throws {
        let folder = TemporaryFolder()
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        _ = Self.good.withCString { write(ends[1], $0, strlen($0)) }
        close(ends[1])
        let flags = Configuration.Flags(config: "/proc/self/fd/\(ends[0])")
        // Twice: one command asks for its configuration more than once.
        for _ in 0..<2 {
            #expect(try Configuration.load(flags: flags, environment: [:]).rules.first?.artifacts.count == 1)
        }
        close(ends[0])
        let silent = folder.path + "/fifo"
        mkfifo(silent, 0o600)
        #expect(throws: ConfigurationError.self) {
            try Configuration.load(flags: .init(config: silent), environment: [:])
        }
    }

    @Test func aFileOfZerosIsNoConfiguration() {
        for text in ["\0\0\0\0", "store: /s\n\0\0"] {
            let refusal = #expect(throws: InvalidConfiguration.self) { try Configuration.parse(text) }
            #expect(refusal?.issues.first?.message == "contains NUL bytes")
        }
    }

    @Test func whatIsKeptWithoutRulesIsSaid() throws {
        #expect(Configuration().shortfall?.message.contains("no configuration was found") == true)
        func shortfall(_ text: String) throws -> Configuration.Shortfall? {
            try Configuration.parse(text, file: "f").shortfall
        }
        #expect(try shortfall("# nothing\n")?.isMistake == true)
        #expect(try shortfall("store: /s\n")?.message.contains("has no rules") == true)
        #expect(try shortfall("rules: []\n")?.message.contains("no session is kept") == true)
        let logsOnly = try shortfall("rules: [{name: logs}]\n")
        #expect(logsOnly?.message.contains("no rule of the configuration f has artifacts") == true)
        #expect(logsOnly?.isMistake == false)
        #expect(try shortfall("rules: [{name: logs}, {name: game, artifacts: [/game]}]\n") == nil)
    }

    @Test func keysThatWaitAreNamedUntilARestart() throws {
        let current = CurrentConfiguration(try Configuration.parse("store: /a\n"))
        let next = try Configuration.parse("store: /a\napi: {url: 'http://b'}\nlimits: {stall: 1s, reserve: 1GiB}\n")
        #expect(current.replace(with: next) == ["api.url", "limits.stall"])
        #expect(current.replace(with: next) == ["api.url", "limits.stall"], "still")
        #expect(current.replace(with: try Configuration.parse("store: /a\nretention: 1h\n")).isEmpty)
        #expect(current.value.retention == 3_600_000 && current.version == 3)
    }
}
