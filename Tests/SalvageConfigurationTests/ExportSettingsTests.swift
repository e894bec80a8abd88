import Model
import Testing

@testable import SalvageConfiguration

@Suite struct ExportSettingsTests {
    @Test func everyKeyIsRead() throws {
        let configuration = try Configuration.parse(
            """
            export:
              sentry:
                dsn_file: /etc/salvage/sentry-dsn
                on: new
                match: {image: arena*, tag: 2.*, location: eu-*}
                minidumps: false
                per_hour: 50
                environment: production
                timeout: 5s
            """)
        let sentry = try #require(configuration.export.sentry)
        #expect(sentry.dsn == .file("/etc/salvage/sentry-dsn") && sentry.on == .new && !sentry.minidumps)
        #expect(sentry.perHour == 50 && sentry.environment == "production" && sentry.timeout == 5000)
        #expect(sentry.wants(SessionIdentity(id: "s", image: "arena-1", tag: "2.1", location: "eu-west")))
        #expect(!sentry.wants(SessionIdentity(id: "s", image: "arena-1", tag: "2.1")))
    }

    @Test func theDSNIsInTheVariableIfNoFileIsNamed() throws {
        let sentry = try #require(try Configuration.parse("export: {sentry: {minidumps: true}}").export.sentry)
        #expect(sentry.dsn == .variable("SALVAGE_SENTRY_DSN") && sentry.on == .crash && sentry.perHour == 1000)
        #expect(try Configuration.parse("export: {}").export.sentry == nil)
        #expect(Configuration().export.sentry == nil)
    }

    @Test(arguments: [
        ("sentry: {dsn: 'https://s3cret@host/1'}", "must not be in the configuration"),
        ("sentry: {dsn_file: /f, dsn_env: V}", "is set beside dsn_file"),
        ("sentry: {on: crashes}", "invalid value 'crashes'"), ("sentry: {per_hour: 0}", "invalid value '0'"),
        ("sentry: {match: {labels: {a: b}}}", "cannot match labels"), ("sentry:", "has no value"),
        ("sentry: {environment: a/b}", "invalid value 'a/b'"), ("sentry: {timeout: 1h}", "invalid value '1h'"),
        ("sentry: [1]", "must be a mapping"), ("sentri: {on: new}", "unknown key"),
        ("sentry: {dns_file: /f}", "unknown key"),
    ])
    func mistakesAreNamed(_ text: String, _ words: String) {
        do throws(InvalidConfiguration) {
            _ = try Configuration.parse("export:\n  \(text)\n")
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.issues.contains { $0.message.contains(words) }, "\(error.issues)")
            #expect(!error.issues.contains { "\($0)".contains("s3cret") })
        }
    }
}
