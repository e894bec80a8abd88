import Testing

@testable import SalvageServer

/// Tokens, cookies, names and limits: all that decides who is let in.
@Suite struct AccessTests {
    private let key = [UInt8](repeating: 7, count: 32)

    @Test func aCookieIsReadUntilItExpiresAndOnlyWithItsKey() {
        let cookie = SessionCookie(digest: [1, 2, 3], expires: 1000, nonce: "ab")
        let text = cookie.text(key: key)
        #expect(SessionCookie(text, key: key, now: 999) == cookie)
        #expect(SessionCookie(text, key: key, now: 1000) == nil)
        #expect(SessionCookie(text, key: [UInt8](repeating: 8, count: 32), now: 0) == nil)
        #expect(SessionCookie(text.replacing("1000", with: "9000"), key: key, now: 0) == nil)
        #expect(SessionCookie("", key: key, now: 0) == nil)
        #expect(SessionCookie("...", key: key, now: 0) == nil)
    }

    @Test func aCookieIsFoundAmongOthers() {
        #expect(CookieHeader.values("salvage_session", in: "a=1; salvage_session=x.y; b=2") == ["x.y"])
        #expect(CookieHeader.values("salvage_session", in: "salvage_session=1;salvage_session=2") == ["1", "2"])
        #expect(CookieHeader.values("salvage_session", in: "xsalvage_session=1").isEmpty)
        #expect(CookieHeader.values("salvage_session", in: ";;=;").isEmpty)
    }

    @Test(
        arguments: [
            ("localhost:8474", "localhost"), ("127.0.0.1", "127.0.0.1"), ("[::1]:80", "::1"),
            ("A.Example", "a.example"),
        ])
    func aHostIsTakenFromItsHeader(header: String, host: String) { #expect(HostName.host(of: header) == host) }

    @Test(arguments: ["", ":80", "a:b", "a:99999999", "a:+80", "[::1", "a b", "[::1]x"])
    func aMalformedHostIsNone(header: String) { #expect(HostName.host(of: header) == nil) }

    @Test func onlyThisMachineIsLocal() {
        for host in ["localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            #expect(HostName.isLocal(host), "\(host)")
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "::2", "0.0.0.0", "localhost.evil.example"] {
            #expect(!HostName.isLocal(host), "\(host)")
        }
        #expect(HostName.isLoopback("localhost") && HostName.isLoopback("::1") && !HostName.isLoopback("x.localhost"))
        #expect(HostName.isSameAddress("::ffff:10.0.0.5", "10.0.0.5"))
        #expect(!HostName.isSameAddress("10.0.0.5", "10.0.0.6"))
    }

    @Test func aTokenFileHasNamesAndRoles() throws {
        let digest = String(repeating: "ab", count: 32)
        let entries = try TokenFile.parse(
            "# team\n\nada read,triage sha256:\(digest)\r\nci upload 0123456789abcdefghij\n", path: "t")
        #expect(entries.map(\.identity.name) == ["ada", "ci"])
        #expect(entries.map(\.identity.roles) == [[.read, .triage], [.read, .upload]])
        for bad in [
            "ada read", "ada read,write 0123456789abcdefghij", "ada read short", "ada read sha256:ab",
            "a read 0123456789abcdefghij\na read 0123456789abcdefghij", "ada  0123456789abcdefghij",
        ] {
            #expect(throws: TokenFileError.self, "\(bad)") { try TokenFile.parse(bad, path: "t") }
        }
    }

    @Test func aMadeTokenIsTheOneOfItsLine() throws {
        let (token, line) = TokenFile.make(name: "ada", roles: "read")
        #expect(!line.contains(token) && token.utf8.count > 40)
        let made = try #require(try TokenFile.parse(line, path: "t").first)
        let typed = try #require(try TokenFile.parse("ada read \(token)", path: "t").first)
        #expect(made == typed)
    }

    @Test func tooManyWrongTokensMustWait() {
        let limit = AttemptLimit()
        for _ in 0..<AttemptLimit.most {
            #expect(limit.wait("10.0.0.1", now: 0) == nil)
            limit.fail("10.0.0.1", now: 0)
        }
        #expect(limit.wait("10.0.0.1", now: 1000) != nil)
        #expect(limit.wait("10.0.0.2", now: 1000) == nil)
        #expect(limit.wait("10.0.0.1", now: AttemptLimit.window + 1) == nil)
    }

    @Test func aServerForOthersNeedsToKnowWhoTheyAre() {
        var access = ServerAccess()
        #expect(access.allowsListening(on: "127.0.0.1") && access.allowsListening(on: "localhost"))
        #expect(!access.allowsListening(on: "0.0.0.0") && !access.allowsListening(on: "::"))
        access.userHeader = "X-Forwarded-User"
        #expect(!access.allowsListening(on: "0.0.0.0"))
        access.proxies = ["10.0.0.5"]
        #expect(access.allowsListening(on: "0.0.0.0"))
    }

    @Test func aPathAfterSigningInStaysOnTheServer() {
        #expect(ServerResponder.safe("/sessions?a=b") == "/sessions?a=b")
        for path in ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nb", "/é"] {
            #expect(ServerResponder.safe(path) == "/", "\(path)")
        }
    }
}
