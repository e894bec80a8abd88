import Testing

@testable import Sandbox

/// How long a session may live.
@Suite struct TimeToLiveTests {
    @Test(arguments: [
        ("2h30m", 150), ("30m2h", 150), ("90m", 90), ("1h", 60), ("0m", 1), ("0h0m", 1), ("1m", 1), ("0.5m", 1),
        ("1.5h", 90), ("1.1h", 66), ("0.1h", 6), ("0.7h", 42), ("1.01m", 2), ("0.0000000000000000000000001m", 1),
        ("59.99999999999999999999999999m", 60), ("0.25m0.25m0.5m", 1), ("0.25m0.25m0.51m", 2), ("1h1h", 120),
        ("0.001h", 1), ("00000000000000000000000000000000000000000007m", 7), ("1.50m1.5m", 3), ("0.9h0.1h", 60),
        ("0.1m0.1m0.1m0.1m0.1m0.1m0.1m0.1m0.1m0.1m", 1),
    ])
    func addsUpAndRoundsUp(text: String, minutes: Int) {
        #expect(TimeToLive(text)?.minutes == minutes)
    }

    @Test(arguments: [
        "", "h", "5", "5s", "30s", "-1m", "+1m", "1d", " 1h", "1h ", "٣h", "1.h", ".5h", "1..5h", "1H", "1h30", "1e3m",
        "1m\u{301}", "1,5h", "1h\u{0}", "m1", "1hm", "1.5",
    ])
    func refusesWhatIsNone(text: String) {
        #expect(TimeToLive(text) == nil)
    }

    @Test func whatCannotBeCountedNeverEnds() throws {
        let configuration = SandboxConfiguration(images: "", root: "")
        let digits = String(repeating: "9", count: 5000)
        for text in ["\(digits)h", "\(digits)m1m", "9223372036854775807m0.1m", "9223372036854775807h", "1m\(digits)h"] {
            let ttl = try #require(TimeToLive(text))
            #expect(ttl.minutes == nil)
            #expect(configuration.milliseconds(ttl) == nil)
        }
        #expect(configuration.milliseconds(try #require(TimeToLive("1.5m"))) == 120_000)
        #expect(configuration.milliseconds(try #require(TimeToLive("99999999999999m"))) == nil)
    }

    @Test func aRequestIsToldTheUnits() async throws {
        try await Stage.with { stage in
            for ttl in ["30s", "h", "-5m", "", "1d"] {
                let answer = try await stage.client.ask(
                    "POST", "/session", json: #"{"location":"europe","image":"waiter","ttl":"\#(ttl)"}"#)
                #expect(answer.status == 422)
                #expect(try stage.violations(answer) == ["ttl"])
                #expect(answer.text.contains("unit 'm' or 'h'"))
            }
            for (index, ttl) in ["0.5m", "30m2h", "99999999999999999999999h", "1.5h"].enumerated() {
                try await stage.start("w\(index)", "waiter", #""ttl":"\#(ttl)""#)
                #expect(try await stage.status("w\(index)") == "running")
            }
        }
    }
}
