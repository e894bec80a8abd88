import Bytes
import Model
import Testing
import Text

@testable import SalvageConfiguration

@Suite struct ConfigurationTests {
    static let full = """
        store: /var/lib/salvage
        api:
          url: https://api.example.net/
          token_file: /etc/salvage/token
        poll: { running: 2s, all: 1m }
        retention: 1h30m
        limits:
          concurrency: 4
          requests_per_minute: { artifacts: 300 }
          download: 100MB
          unpack: { total_size: 2GiB, entries: 1000 }
        rules:
          - name: ranked
            match:
              image: "fps-*"
              tag: "1.[0-9].*"
              location: eu?
              labels: { mode: ranked }
            artifacts:
              - /game/Saved/{session}
              - path: /cores/{label:mode}
                sample: crashed
            sample: 10%
          - match: { image: fps-lobby }
            logs: false
            follow: yes
        """

    @Test func theOrderOfBuildsIsAListOfTagsAndGlobs() throws {
        #expect(try Configuration.parse("builds: {order: [alpha-*, '2.0']}").builds.order == ["alpha-*", "2.0"])
        #expect(try Configuration.parse("builds:\n  order: 1.4.*\n").builds.order == ["1.4.*"])
        for wrong in ["builds: {order: [{a: 1}]}", "builds: {order: ['[x']}", "builds: {sequence: [a]}", "builds: [a]"]
        {
            #expect(throws: InvalidConfiguration.self, "\(wrong)") { try Configuration.parse(wrong) }
        }
    }

    @Test func everythingIsRead() throws {
        let configuration = try Configuration.parse(Self.full, file: "salvage.yaml")
        #expect(configuration.store == .folder("/var/lib/salvage"))
        #expect(configuration.api.url == "https://api.example.net")
        #expect(configuration.api.tokenFile == "/etc/salvage/token")
        #expect(configuration.poll.running == 2000)
        #expect(configuration.poll.all == 60_000)
        #expect(configuration.retention == 5_400_000)
        #expect(configuration.limits.concurrency == 4)
        #expect(configuration.limits.artifactsPerMinute == 300)
        #expect(configuration.limits.logsPerMinute == 600)
        #expect(configuration.limits.download == 100_000_000)
        #expect(configuration.limits.unpack.totalSize == 2 << 30)
        #expect(configuration.rules.map(\.name) == ["ranked", "rule 2"])
        #expect(configuration.rules[0].sample == .share(millionths: 100_000))
        #expect(configuration.rules[0].artifacts[1].sample == .crashed)
        #expect(configuration.rules[1].logs == false)
        #expect(configuration.rules[1].follow)
    }

    @Test func symbolServersAreAskedOnlyWhenThatIsAllowed() throws {
        let none = try Configuration.parse("store: x\n").symbols
        #expect(!none.allowed && none.urlsFromEnvironment && none.urls.isEmpty)
        #expect(none.addresses(environment: [:]).isEmpty)
        let servers = try Configuration.parse(
            """
            symbols:
              debuginfod:
                allowed: true
                urls: [http://one.example.net/]
                timeout: 2s
                max_size: 10MB
            """
        ).symbols
        #expect(servers.allowed && servers.timeout == 2000 && servers.maxSize == 10_000_000)
        let named = ["DEBUGINFOD_URLS": "ima:enforcing https://two.example.net/  file:///x http://one.example.net"]
        #expect(servers.addresses(environment: named) == ["http://one.example.net", "https://two.example.net"])
        for wrong in ["urls: ['ftp://x']", "timeout: 0s", "timeout: 2h", "max_size: 65GiB", "alowed: true"] {
            #expect(throws: InvalidConfiguration.self) {
                try Configuration.parse("symbols: {debuginfod: {\(wrong)}}\n")
            }
        }
    }

    @Test func anEmptyConfigurationKeepsEverySessionsLog() throws {
        for text in ["", "# nothing\n", "rules:\n", "~"] {
            let configuration = try Configuration.parse(text)
            #expect(configuration.rules == [Configuration.Rule.logOnly])
        }
    }

    @Test(arguments: [
        ("store: a\nretentoin: 4h", 2, "retentoin", "did you mean 'retention'?"),
        ("rules:\n  - artifacts: [game/Saved]", 2, "rules[0].artifacts[0]", "write it from the container's root"),
        (
            "rules:\n  - name: x\n    artifacts:\n      - /a/{sesion}", 4, "rules[0].artifacts[0]",
            "did you mean {session}?"
        ),
        ("rules:\n  - match:\n      image: 'fps-[a'", 3, "rules[0].match.image", "escape the character"),
        ("rules:\n  - sample: 110%", 2, "rules[0].sample", "0% to 100%"),
        ("rules:\n  - logs: maybe", 2, "rules[0].logs", "true or false"),
        ("poll:\n  running: 5", 2, "poll.running", "such as 5s"),
        ("poll: fast", 1, "poll", "key: value"),
        ("limits:\n  concurrency: many", 2, "limits.concurrency", "1 to 256"),
        ("limits:\n  concurrency: 100000", 2, "limits.concurrency", "1 to 256"),
        ("limits:\n  download: 5 parsecs", 2, "limits.download", "100MB"),
        ("api:\n  url: ftp://x", 2, "api.url", "https://"),
        ("api:\n  url: https://user:pw@host", 2, "api.url", "https://"),
        ("api:\n  token: secret", 2, "api.token", "token_file"),
        ("store:\n  - a", 2, "store", "one value"),
        ("rules:\n  - artifacts:\n      - sample: always", 3, "rules[0].artifacts[0]", "/path"),
        ("rules:\n  mach: 1", 2, "rules", "- …"),
        ("a: [", 1, "", "check"),
        ("store: a\nstore: b", 2, "", "keep one"),
        ("poll: &fast {running: 5s}\napi:\n  <<: *fast", 3, "api.<<", "use one of"),
        ("a: 1\n---\nb: 1", 2, "", "remove it"),
    ])
    func anInvalidConfigurationNamesLineKeyAndFix(_ text: String, _ line: Int, _ key: String, _ fix: String) throws {
        let error = try #require(throws: InvalidConfiguration.self) { try Configuration.parse(text, file: "f") }
        let issue = try #require(error.issues.first)
        #expect(abs(issue.line - line) <= (key.isEmpty ? 1 : 0), "\(error)")
        #expect(issue.key == key, "\(error)")
        #expect(issue.fix.contains(fix), "\(error)")
    }

    @Test func bracketsInsideTextAreNoNesting() throws {
        let brackets = String(repeating: "[", count: 100)
        #expect(try Configuration.parse("store: '/x\(brackets)'").store == .folder("/x\(brackets)"))
    }

    @Test func everyIssueIsNamedAtOnce() throws {
        let text = "retention: soon\napi:\n  urll: x\nrules:\n  - sample: often\n    logs: 7\n"
        let error = try #require(throws: InvalidConfiguration.self) { try Configuration.parse(text, file: "f.yaml") }
        #expect(error.issues.map(\.line) == [1, 3, 5, 6])
        #expect(error.description.hasPrefix("f.yaml: line 1: retention: invalid value 'soon'"))
        #expect(!error.description.contains("secret"))
    }

    @Test func hostileTextIsRefusedNotCrashedOn() {
        let bombs = [
            String(repeating: "[", count: 100_000), String(repeating: "- ", count: 200_000),
            String(repeating: "{a: ", count: 50_000), String(repeating: "x", count: 2_000_000),
            (0..<2000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"), "\u{0}", "\t- a",
            "%YAML 9",
            "*a", "&a [*a]", "a: &a [1]\nb: *a", "? [x]\n: y", "!!binary x", "rules: [[[]]]", "rules: {}", "- 1",
            "store: \"\\ud800\"",
        ]
        for text in bombs {
            do throws(InvalidConfiguration) {
                _ = try Configuration.parse(text)
            } catch {
                #expect(!error.issues.isEmpty)
            }
        }
    }

    @Test func anyChangeOfAByteGivesAConfigurationOrIssues() {
        var random = SplitMix64(seed: 11)
        let pieces = [
            "{", "}", "[", "]", ":", "- ", "\n", "  ", "'", "\"", "&a", "*a", "%", "!", "|", ">", "#", "~", "\t", "é",
        ]
        for _ in 0..<1500 {
            var text = Self.full
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = text.index(text.startIndex, offsetBy: Int.random(in: 0..<text.count, using: &random))
                if Bool.random(using: &random) { text.remove(at: place) }
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
                text.insert(contentsOf: piece, at: min(place, text.endIndex))
            }
            do throws(InvalidConfiguration) {
                _ = try Configuration.parse(text)
            } catch {
                #expect(!error.issues.isEmpty)
                #expect(error.issues.allSatisfy { !$0.message.isEmpty && !$0.fix.isEmpty })
            }
        }
    }

    @Test func quantities() {
        #expect(Quantity.milliseconds("1h30m") == 5_400_000)
        #expect(Quantity.milliseconds("250ms") == 250)
        for text in ["", "5", "h", "-5s", "5s ", "9999999999999999999s", "99999999999d", "1.5h", "५s"] {
            #expect(Quantity.milliseconds(text) == nil, "\(text)")
        }
        #expect(Quantity.bytes("64KiB") == 65_536)
        #expect(Quantity.bytes("1 GB") == 1_000_000_000)
        for text in ["", "x", "-1", "99999999999999999999", "9999999999TiB", "1.5GB"] {
            #expect(Quantity.bytes(text) == nil, "\(text)")
        }
        #expect(Quantity.millionths(percent: "0.5%") == 5000)
        for text in ["10", "-1%", "101%", "%", "nan%", "inf%"] {
            #expect(Quantity.millionths(percent: text) == nil, "\(text)")
        }
    }

    @Test func samplingIsAFunctionOfTheIdAndHitsItsShare() {
        let tenth = Sampling.share(millionths: 100_000)
        let ids = (0..<20_000).map { "session-\($0)" }
        let first = ids.filter(tenth.includes(session:))
        #expect(first == ids.filter(tenth.includes(session:)))
        #expect((1800...2200).contains(first.count), "\(first.count)")
        #expect(Sampling.position(of: "session-1") == 753_311, "changing the hash would change past decisions")
        let fifth = Sampling.share(millionths: 200_000)
        #expect(first.allSatisfy(fifth.includes(session:)), "a larger share includes a smaller one")
    }

    @Test func placeholdersAreFilledAndCannotLeaveThePath() throws {
        let template = try PathTemplate("/g/{image}/{tag}/{location}/{label:m}/{{{session}}}")
        var session = SessionIdentity(id: "a", image: "i", tag: "t", location: "l", labels: ["m": "x"])
        #expect(template.resolve(for: session) == .success("/g/i/t/l/x/{a}"))
        for bad in ["..", ".", "a/b", "", "a\u{0}"] {
            session.labels["m"] = bad
            #expect(throws: PathTemplate.UnusableValue.self) { try template.resolve(for: session).get() }
        }
    }

    @Test func theFirstRuleThatMatchesDecides() throws {
        let configuration = try Configuration.parse(
            """
            rules:
              - match: { image: fps, labels: { mode: "r*" } }
                name: one
              - match: { image: fps }
                name: two
            """)
        let ranked = SessionIdentity(id: "1", image: "fps", labels: ["mode": "ranked"])
        #expect(configuration.rule(for: ranked)?.name == "one")
        #expect(configuration.rule(for: SessionIdentity(id: "2", image: "fps"))?.name == "two")
        let stranger = SessionIdentity(id: "3", image: "chess")
        #expect(configuration.rule(for: stranger) == nil)
    }
}
