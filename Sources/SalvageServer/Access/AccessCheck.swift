import Bytes
import Digest
import HTTPTypes
import Hummingbird
import NIOCore
import Text

/// Decides about each request: whether it reached the right server, who sends it, and whether a page of another site made it.
final class AccessCheck: Sendable {
    /// The name of the cookie of somebody who signed in.
    static let cookie = "salvage_session"
    /// The header in which scripts send the form token.
    static let formHeader = HTTPField.Name("X-Salvage-Token")
    /// The header in which browsers say whose page made a request.
    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For")

    private let access: ServerAccess
    private let settings: ServerSettings
    /// The host that the server listens on.
    private let host: String
    private let key = RandomBytes.make(32)
    private let attempts = AttemptLimit()
    private let ended = EndedSessions()

    init(_ access: ServerAccess, _ settings: ServerSettings, host: String) {
        self.access = access
        self.settings = settings
        self.host = host.lowercased()
    }

    /// Whether people can sign in with a token.
    var hasTokens: Bool { access.tokens != nil }

    // MARK: The right server

    /// Refuses a request that a page of another site made by letting its own name lead to this address.
    func checkHost(_ head: HTTPRequest) throws {
        let named = head.authority ?? ""
        guard let name = HostName.host(of: named), isOurs(name) else {
            throw ServerFailure(
                .forbidden, "bad_host", "this server does not answer to the name '\(named)'",
                hint: "start it with --allow-host NAME if the name is right")
        }
    }

    private func isOurs(_ name: String) -> Bool {
        if HostName.isLocal(name) || name == host { return true }
        if let address = publicAuthority, HostName.host(of: address) == name { return true }
        if access.hosts.contains(where: { $0.lowercased() == name }) { return true }
        // An address cannot be made to lead elsewhere. Where only this machine is let in, it must be one of its own.
        return access.isRequired && HostName.isAddress(name)
    }

    private var publicAuthority: String? {
        guard let address = settings.publicAddress, let start = address.firstRange(of: "://")?.upperBound else {
            return nil
        }
        return String(address[start...].prefix { $0 != "/" })
    }

    // MARK: Who

    /// Finds out who sends the request and fills in the context.
    ///
    /// - Throws: ``ServerFailure`` with 401 for a wrong token, 429 after too many.
    func identify(_ request: Request, _ context: inout ServerContext) throws {
        let user = try proxiedUser(request, context)
        if let header = request.headers[.authorization] {
            let words = header.split(separator: " ", omittingEmptySubsequences: true)
            if let user, words.first?.lowercased() != "bearer" {
                // With what the user showed the proxy.
                return accept(user, &context)
            }
            guard words.count == 2, words[0].lowercased() == "bearer" else {
                throw ServerFailure(
                    .unauthorized, "bad_token", "the Authorization header is not 'Bearer TOKEN'",
                    hint: "salvage serve token NAME ROLES makes a token")
            }
            context.identity = try identity(of: String(words[1]), from: address(request, context)).identity
            context.credential = .bearer
            return
        }
        if let user { return accept(user, &context) }
        if let tokens = access.tokens, let cookie = cookie(request),
            let identity = tokens.identity(ofDigest: cookie.digest)
        {
            context.identity = identity
            context.credential = .cookie
            context.formToken = formToken("cookie:" + cookie.nonce)
            return
        }
        guard !access.isRequired else { return }
        context.identity = ServerIdentity(name: access.localName, roles: Set(ServerRole.allCases))
        context.credential = .local
        context.formToken = formToken("local")
    }

    /// The user whom a proxy names; nil if the request did not come from a proxy, or it names nobody.
    ///
    /// - Throws: ``ServerFailure`` with 400 for two names: a proxy that adds its own lets the sender choose the other.
    private func proxiedUser(_ request: Request, _ context: ServerContext) throws -> String? {
        guard let name = access.userHeader, isProxy(context), let field = HTTPField.Name(name) else { return nil }
        let names = request.headers[values: field]
        guard names.count < 2 else {
            throw ServerFailure(
                .badRequest, "two_users", "the header '\(name)' is there twice",
                hint: "the proxy must replace the header, not add to it")
        }
        return names.first.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func accept(_ user: String, _ context: inout ServerContext) {
        context.identity = ServerIdentity(name: String(user.prefix(200)), roles: access.proxyRoles)
        context.credential = .proxy
        context.formToken = formToken("proxy:" + user)
    }

    /// The cookie of somebody who signed in and did not sign out.
    private func cookie(_ request: Request) -> SessionCookie? {
        guard let header = request.headers[.cookie] else { return nil }
        let now = settings.now()
        for text in CookieHeader.values(Self.cookie, in: header).prefix(8) {
            guard let cookie = SessionCookie(text, key: key, now: now), !ended.contains(cookie) else { continue }
            return cookie
        }
        return nil
    }

    private func identity(
        of token: String, from address: String
    ) throws -> (identity: ServerIdentity, digest: [UInt8]) {
        let now = settings.now()
        if let wait = attempts.wait(address, now: now) {
            throw ServerFailure(
                .tooManyRequests, "too_many_attempts", "too many wrong tokens came from \(address)", retryAfter: wait)
        }
        guard let found = access.tokens?.identity(of: token) else {
            attempts.fail(address, now: now)
            throw ServerFailure(
                .unauthorized, "bad_token", "the token is not known", hint: "ask who runs this server for a token")
        }
        return found
    }

    private func isProxy(_ context: ServerContext) -> Bool {
        guard let peer = context.channel.remoteAddress?.ipAddress else { return false }
        return access.proxies.contains { HostName.isSameAddress($0, peer) }
    }

    /// The address that attempts are counted by: the one that a proxy names, else that of the connection.
    private func address(_ request: Request, _ context: ServerContext) -> String {
        let peer = context.channel.remoteAddress?.ipAddress ?? "an unknown address"
        guard isProxy(context), let name = Self.forwardedFor,
            let last = request.headers[name]?.split(separator: ",").last
        else { return peer }
        return String(last.utf8.filter { $0 > 0x20 && $0 < 0x7f }.prefix(64).map { Character(Unicode.Scalar($0)) })
    }

    // MARK: Forgery

    private func formToken(_ purpose: String) -> String {
        Hex.text(HMACSHA256.code(Array("form:\(purpose)".utf8), key: key).prefix(24))
    }

    /// Refuses a request that changes something and that a page of another site may have made. A request with a token in
    /// its header cannot be made by such a page.
    ///
    /// - Parameter form: the fields of the form that was sent, if it was one.
    func checkForgery(_ request: Request, _ context: ServerContext, form: QueryItems?) throws {
        if context.credential == .bearer { return }
        try checkOrigin(request)
        let sent = try Self.formHeader.flatMap { request.headers[$0] } ?? form?.one("form_token")
        guard let sent, !context.formToken.isEmpty,
            HMACSHA256.areEqual(Array(sent.utf8), Array(context.formToken.utf8))
        else {
            throw ServerFailure(
                .forbidden, "no_form_token", "the form token is missing or not valid any more",
                hint: "load the page again; scripts send the form_token of /api/v1/identity as X-Salvage-Token")
        }
    }

    /// Refuses a request that the browser says comes from a page of another site.
    func checkOrigin(_ request: Request) throws {
        let site = Self.fetchSite.flatMap { request.headers[$0] }
        var isOurs = site == nil || site == "same-origin" || site == "none"
        if let origin = request.headers[.origin] {
            let authority = origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) }
            let accepted = [request.head.authority, publicAuthority].compactMap { $0?.lowercased() }
            isOurs = isOurs && authority.map { accepted.contains($0.lowercased()) } ?? false
        }
        guard isOurs else {
            throw ServerFailure(.forbidden, "bad_origin", "a page of another site made this request")
        }
    }

    // MARK: Signing in

    /// Exchanges a token for a cookie; returns the value of `Set-Cookie`.
    func signIn(_ token: String, _ request: Request, _ context: ServerContext) throws -> String {
        let found = try identity(of: token, from: address(request, context))
        let cookie = SessionCookie(
            digest: found.digest, expires: settings.now() + SessionCookie.lifetime, nonce: RandomBytes.hex(16))
        return setCookie(cookie.text(key: key), seconds: SessionCookie.lifetime / 1000)
    }

    /// Ends the session of a request's cookie; returns the value of `Set-Cookie` that removes it.
    func signOut(_ request: Request) -> String {
        if let cookie = cookie(request) { ended.add(cookie, now: settings.now()) }
        return setCookie("", seconds: 0)
    }

    private func setCookie(_ value: String, seconds: Int64) -> String {
        let path = settings.basePath.isEmpty ? "/" : settings.basePath
        let secure = settings.publicAddress?.hasPrefix("https://") == true ? "; Secure" : ""
        return "\(Self.cookie)=\(value); Path=\(path); Max-Age=\(seconds); HttpOnly; SameSite=Strict\(secure)"
    }
}
