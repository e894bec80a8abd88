import Files
import Glibc
import Model
import Testing

@testable import SalvageConfiguration

@Suite struct NotificationsTests {
    private static let whole = """
        notify:
          page: https://salvage.studio.example/
          channels:
            - name: crashes
              type: discord
              url_file: /etc/salvage/discord.url
              on: [new, returned, spike]
              match: {image: arena*, tag: 2.*, location: eu-*}
              burst: 1m
              per_hour: 5
              timeout: 500ms
            - {name: ops, type: webhook, url_env: OPS_URL, secret_file: /etc/salvage/ops.key}
            - {name: pager, type: command, command: [/usr/local/bin/page, --from, salvage], on: [lost, deadline]}
          spike: {factor: 4, sessions: 10, share: 5%}
        """

    @Test func everyKeyIsRead() throws {
        let notify = try Configuration.parse(Self.whole).notify
        #expect(notify.page == "https://salvage.studio.example")
        #expect(notify.channels.map(\.name) == ["crashes", "ops", "pager"])
        #expect(notify.channels[0].url == .file("/etc/salvage/discord.url"))
        #expect(notify.channels[0].on == [.new, .returned, .spike])
        #expect(notify.channels[0].burst == 60_000 && notify.channels[0].perHour == 5)
        #expect(notify.channels[0].timeout == 500 && notify.channels[1].timeout == nil)
        #expect(notify.channels[1].url == .variable("OPS_URL"))
        #expect(notify.channels[1].secret == .file("/etc/salvage/ops.key"))
        #expect(notify.channels[1].on == [.new, .returned, .lost])
        #expect(notify.channels[1].burst == 30_000 && notify.channels[1].perHour == 20)
        #expect(notify.channels[2].command == ["/usr/local/bin/page", "--from", "salvage"])
        #expect(notify.spike.factor == 4 && notify.spike.sessions == 10 && notify.spike.share == 50_000)
    }

    @Test func linksLeadWherePeopleReachThePage() throws {
        let serve = "serve: {public_address: https://crashes.studio.example/salvage/}\n"
        #expect(try Configuration.parse(serve).notify.page == "https://crashes.studio.example/salvage")
        #expect(try Configuration.parse(serve + Self.whole).notify.page == "https://salvage.studio.example")
    }

    @Test(arguments: [
        ("{name: a, type: slack, url: 'https://hooks.example/s3cret'}", "must not be in the configuration"),
        ("{name: a, type: webhook, url_file: /f, secret: s3cret}", "must not be in the configuration"),
        ("{name: a, type: pigeon, url_file: /f}", "invalid value 'pigeon'"),
        ("{name: a, type: slack}", "is missing"),
        ("{type: slack, url_file: /f}", "is missing"),
        ("{name: 'a b', type: slack, url_file: /f}", "invalid value 'a b'"),
        ("{name: a, type: slack, url_file: /f, on: [neww]}", "unknown event 'neww'"),
        ("{name: a, type: slack, url_file: /f, on: [test]}", "unknown event 'test'"),
        ("{name: a, type: slack, url_file: /f, url_env: U}", "is set beside url_file"),
        ("{name: a, type: slack, url_file: /f, secret_file: /k}", "only a channel of type webhook"),
        ("{name: a, type: command}", "is missing"),
        ("{name: a, type: command, command: [page]}", "absolute path"),
        ("{name: a, type: slack, url_file: /f, match: {labels: {mode: duel}}}", "cannot match labels"),
        ("{name: a, type: slack, url_file: /f, per_hour: 0}", "invalid value '0'"),
        ("{name: a, type: slack, url_file: /f, timeout: 11m}", "invalid value '11m'"),
        ("{name: a, type: slack, url_file: /f}, {name: a, type: slack, url_file: /f}", "have the name 'a'"),
    ])
    func aMistakeIsNamed(_ channels: String, _ words: String) throws {
        do {
            _ = try Configuration.parse("notify: {channels: [\(channels)]}")
            Issue.record("\(channels) was accepted")
        } catch {
            let text = error.asError.description
            #expect(text.contains(words), "\(text)")
            #expect(!text.contains("s3cret"), "\(text)")
        }
    }

    @Test func aChannelWantsWhatMatches() throws {
        let channel = try Configuration.parse(Self.whole).notify.channels[0]
        var event = Event(id: "1", kind: .new, time: 0, message: "")
        #expect(!channel.wants(event), "it has no image")
        (event.image, event.tag, event.location) = ("arena-x", "2.1", "eu-west")
        #expect(channel.wants(event))
        event.kind = .lost
        #expect(!channel.wants(event))
        event.kind = .new
        event.tag = "3.0"
        #expect(!channel.wants(event))
        #expect(channel.wants(Event(id: "1", kind: .test, time: 0, message: "")))
    }

    @Test func aSecretIsReadOnlyFromItsOwnersFile() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/url"
        func write(_ text: String, _ mode: mode_t) throws {
            try Replacement.write(Array(text.utf8), to: path)
            #expect(chmod(path, mode) == 0)
        }
        try write("https://hooks.example/s3cret\n", 0o600)
        #expect(try SecretSource.file(path).read([:]) == "https://hooks.example/s3cret")
        #expect(try SecretSource.variable("U").read(["U": " x "]) == "x")
        func refusal(_ source: SecretSource) -> String {
            do throws(ConfigurationError) {
                _ = try source.read([:])
                return "accepted"
            } catch { return "\(error.code.rawValue): \(error)" }
        }
        try write("https://hooks.example/s3cret", 0o644)
        #expect(refusal(.file(path)).hasPrefix("secret_refused: the secret file is accessible to others"))
        try write("two s3cret words", 0o600)
        #expect(refusal(.file(path)).hasPrefix("secret_refused"))
        #expect(!refusal(.file(path)).contains("s3cret"))
        try write("", 0o600)
        #expect(refusal(.file(path)).contains("is empty"))
        #expect(refusal(.file(path + "-none")).hasPrefix("secret_missing"))
        #expect(refusal(.file(folder.path)).hasPrefix("secret_refused: the secret file is not a regular file"))
        #expect(refusal(.variable("U")).hasPrefix("secret_missing: the variable U is not set"))
    }
}
