import Notify
import Testing

@testable import CrashExport

@Suite struct SentryDSNTests {
    @Test func aDSNIsRead() throws {
        let dsn = try SentryDSN(parsing: "https://abc123@o7.ingest.sentry.io/42")
        #expect(dsn.endpoint == "https://o7.ingest.sentry.io/api/42/envelope/")
        #expect(
            dsn.authorization(client: "salvage/1")
                == "Sentry sentry_version=7, sentry_client=salvage/1, sentry_key=abc123")
    }

    @Test func secretPortAndPathAreRead() throws {
        let dsn = try SentryDSN(parsing: "http://abc:def@[::1]:9000/tools/sentry/game-1")
        #expect(dsn.endpoint == "http://[::1]:9000/tools/sentry/api/game-1/envelope/")
        #expect(dsn.authorization(client: "s/1").hasSuffix("sentry_key=abc, sentry_secret=def"))
    }

    @Test(arguments: [
        "", "https://", "https://host/1", "https://key@/1", "https://key@host", "https://key@host/", "ftp://key@host/1",
        "https://:secret@host/1", "https://key:@host/1", "https://a:b:c@host/1", "https://k@y@host/1",
        "https://key@host/1?x=2", "https://key@host/1#x", "https://key@host/../1", "https://key@host//1",
        "https://key@host/1 ", "https://key@host/1\r\nx: y", "https://ke\u{0}y@host/1", "https://key@host:0/1",
        "https://key@host:99999/1", "https://key@host/1,2", "https://ke,sentry_key=y@host/1", "HTTPS//key@host/1",
        "https://\u{130}key@host/1", "https://key@host\\evil/1", String(repeating: "a", count: 5000),
    ])
    func hostileFormsAreRefusedWithoutRepeatingThem(_ text: String) {
        do throws(SentryDSN.Problem) {
            _ = try SentryDSN(parsing: text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(
                !error.reason.contains("key") || error.reason.contains("key before")
                    || error.reason.contains("between key"))
            #expect(!error.reason.contains("secret") && !error.reason.isEmpty)
        }
    }

    @Test func nothingThatIsPrintedHasTheKey() throws {
        let dsn = try SentryDSN(parsing: "https://topsecretkey:othersecret@host/42")
        #expect("\(dsn)" == "https://host")
        let shown = dsn.redaction.shown(Array("no topsecretkey and no othersecret, envelope refused, topsecre".utf8))
        #expect(!shown.contains("topsecre") && !shown.contains("othersecret") && shown.contains("envelope refused"))
    }

    @Test func limitsAreRead() {
        #expect(
            RateLimit.parse("60::organization, 2700::organization") == [
                .init(.all, wait: 60_000), .init(.all, wait: 2_700_000),
            ])
        #expect(
            RateLimit.parse("60:transaction:key, 2700:default;error;attachment:organization:quota")
                == [.init(.error, wait: 2_700_000), .init(.attachment, wait: 2_700_000)])
        #expect(RateLimit.parse("0.25:error:x") == [.init(.error, wait: 250)])
        #expect(RateLimit.parse("99999999999:error:x") == [.init(.error, wait: 86_400_000)])
        for hostile in ["", ":", "::", "x:error", "-1:error", "nan:error", "inf:error", "60", "60:all:x", ",,,"] {
            #expect(RateLimit.parse(hostile).isEmpty, "\(hostile)")
        }
    }
}
