import Notify
import Text

/// The address of a Sentry project with its key: `scheme://key[:secret]@host[:port][/path]/project`
/// (https://develop.sentry.dev/sdk/foundations/transport/authentication/). The key is a secret here: who has it can send
/// events. No description and no error has any part of it but the host.
public struct SentryDSN: Sendable, Equatable, CustomStringConvertible {
    /// Why a text is not a DSN: the rest of a sentence that begins with "the DSN". It repeats nothing of the text.
    public struct Problem: Error, Sendable, Equatable {
        /// The rest of the sentence.
        public var reason: String
    }

    /// `https` or `http`.
    public let scheme: String
    /// The host, with the port if there is one.
    public let authority: String
    /// The part of the path before the project, with a slash at its beginning; empty if there is none.
    public let path: String
    /// The project's id.
    public let project: String
    /// The project's public key.
    let key: String
    /// The secret key that older projects have.
    let secret: String?

    /// The longest DSN, in bytes.
    static let longest = 1024

    /// Reads a DSN.
    ///
    /// - Throws: ``Problem``.
    public init(parsing text: String) throws(Problem) {
        guard text.utf8.count <= Self.longest else {
            throw Problem(reason: "is longer than \(Self.longest) bytes")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Problem(reason: "contains a space, control or non-ASCII character")
        }
        guard let scheme = ["https", "http"].first(where: { text.hasBytePrefix($0 + "://") }) else {
            throw Problem(reason: "does not begin with https:// or http://")
        }
        let rest = text.dropFirst(scheme.count + 3)
        guard !rest.contains(where: { "?#\\".contains($0) }) else {
            throw Problem(reason: "contains '?', '#' or '\\'")
        }
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        let login = (parts.first ?? "").split(separator: "@", omittingEmptySubsequences: false)
        guard login.count == 2 else { throw Problem(reason: "needs one '@' between key and host") }
        let keys = login[0].split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(keys.count), keys.allSatisfy({ !$0.isEmpty && Self.isWord($0) }) else {
            throw Problem(reason: "has no usable key before its '@'")
        }
        guard Authority.isUsable(login[1]) else { throw Problem(reason: "names no host to connect to") }
        guard parts.count >= 2, let project = parts.last, Self.isWord(project) else {
            throw Problem(reason: "has no project at its end")
        }
        let folders = parts.dropFirst().dropLast()
        guard folders.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw Problem(reason: "has an empty or relative part in its path")
        }
        self.scheme = scheme
        authority = String(login[1])
        path = folders.map { "/\($0)" }.joined()
        self.project = String(project)
        key = String(keys[0])
        secret = keys.count == 2 ? String(keys[1]) : nil
    }

    /// Where envelopes are posted (https://develop.sentry.dev/sdk/foundations/transport/envelopes/).
    public var endpoint: String { "\(scheme)://\(authority)\(path)/api/\(project)/envelope/" }

    /// The header `X-Sentry-Auth`, which authenticates a request.
    ///
    /// - Parameter client: name and version of the sender, such as `salvage/0.1.0`.
    func authorization(client: String) -> String {
        "Sentry sentry_version=7, sentry_client=\(client), sentry_key=\(key)"
            + (secret.map { ", sentry_secret=\($0)" } ?? "")
    }

    /// What an answer must not repeat.
    var redaction: AnswerRedaction { AnswerRedaction(address: secret ?? "", secret: key) }

    /// Scheme and host.
    public var description: String { "\(scheme)://\(authority)" }

    /// Letters, digits, `-` and `_`: what keys and projects consist of, and what cannot end a header's field.
    private static func isWord(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_")
            }
    }
}
