import ArgumentParser
import Glibc
import SessionAPI
import Terminal

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes the API's models as JSON.
enum APIJSON {
    /// One line of JSON, keys in order.
    static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

extension API {
    struct JoinSession: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "join-session", abstract: "Register players with a session.")

        @Argument(help: "The session's full id.") var id: String
        @Argument(help: "The players.") var players: [String]
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let output = Output(options)
            try API.print(
                try await API.withClient(options) { try await $0.joinSession(id, players: players) }, output)
            try output.finish()
        }
    }

    struct LeaveSession: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "leave-session", abstract: "Remove players from their session.")

        @Argument(help: "The players.") var players: [String]
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let output = Output(options)
            try API.print(try await API.withClient(options) { try await $0.leaveSession(players: players) }, output)
            try output.finish()
        }
    }

    struct GetAvailableLocations: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "get-available-locations", abstract: "List where an image can be hosted, one per line.")

        @Argument(help: "Name of the image.") var image: String
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let output = Output(options)
            for place in try await API.withClient(options, { try await $0.availableLocations(image: image) }) {
                try API.print(place, output)
            }
            try output.finish()
        }
    }

    struct TagExists: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tag-exists", abstract: "Tell whether a version of an image is available in a region.",
            discussion: "Exits with 1 when it is not.")

        @Argument(help: "The region.") var region: String
        @Argument(help: "Name of the image.") var image: String
        @Argument(help: "The image's version.") var tag: String
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let output = Output(options)
            let exists = try await API.withClient(options) {
                try await $0.tagExists(region: region, image: image, version: tag)
            }
            try API.print(["exists": exists], output)
            try output.finish()
            if !exists { throw EndedWith(status: .nothingFound) }
        }
    }

    struct Artifacts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "artifacts", abstract: "Download a file or folder of an ended session's container.")

        @Argument(help: "The session's full id.") var id: String
        @Argument(help: "An absolute path in the container.") var path: String
        @Option(name: .shortAndLong, help: ArgumentHelp("Write the archive to this file.", valueName: "file"))
        var output: String?
        @OptionGroup var options: GlobalOptions

        func validate() throws {
            if output == nil, isatty(STDOUT_FILENO) != 0 {
                throw ValidationError("an archive is no text for a terminal; name a file with --output")
            }
        }

        func run() async throws {
            let target = try DownloadTarget(output)
            try await API.withClient(options) { client in
                // The file is made only once the server has something to put into it.
                let download = try await client.artifacts(session: id, path: path)
                try target.begin()
                for try await chunk in download.body { try chunk.withUnsafeBytes { try target.write($0) } }
            }
            try target.finish()
        }
    }

    struct StreamLogs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stream-logs", abstract: "Print what a session wrote to stdout and stderr.")

        @Argument(help: "The session's full id.") var id: String
        @Flag(name: .shortAndLong, help: "Stay and print new output until the session ends.") var follow = false
        @Flag(help: "Print raw bytes on a terminal too.") var raw = false
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let sink = ByteSink(descriptor: STDOUT_FILENO)
            let escapes = !raw && isatty(STDOUT_FILENO) != 0
            try await API.withClient(options) { client in
                for try await chunk in try await client.streamLogs(session: id, follow: follow) {
                    if escapes {
                        sink.write(Self.escaped(chunk.bytes))
                    } else {
                        chunk.withUnsafeBytes { sink.write($0) }
                    }
                    if follow { sink.flush() }
                    if sink.isClosed { return }
                }
            }
            sink.flush()
        }

        /// A piece of a log for a terminal: line breaks stay, other control characters are shown.
        private static func escaped(_ bytes: [UInt8]) -> String {
            bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .map { Escape.display($0) }.joined(separator: "\n")
        }
    }
}

/// Where a download goes: a new file that appears under its name only when it is complete, or standard output.
final class DownloadTarget {
    private let path: String?
    private var descriptor = STDOUT_FILENO

    init(_ path: String?) throws {
        self.path = path
    }

    deinit {
        if path != nil, descriptor != STDOUT_FILENO { close(descriptor) }
    }

    private var partial: String? { path.map { $0 + ".part" } }

    /// Opens the file.
    func begin() throws {
        guard let partial else { return }
        let opened = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { throw failure("create") }
        descriptor = opened
    }

    /// Writes all of the bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var sent = 0
        while sent < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("write")
            }
            sent += count
        }
    }

    /// Gives the complete file its name.
    func finish() throws {
        guard let path, let partial else { return }
        guard fsync(descriptor) == 0, rename(partial, path) == 0 else { throw failure("write") }
    }

    private func failure(_ what: String) -> Failure {
        Failure("output_failed", "cannot \(what) the archive: \(String(cString: strerror(errno)))", path: partial)
    }
}

extension Failure {
    /// An error of the Session API in the form every command reports.
    init(_ error: APIError) {
        let status: ExitStatus =
            switch error.kind {
            case .unauthorized, .forbidden, .noToken: .notAuthorised
            case .cancelled: .interrupted
            default: error.isRetryable ? .tryAgain : .failure
            }
        var message = error.description
        for violation in error.violations { message += "; \(violation.field): \(violation.description)" }
        if let details = error.details { message += "; \(details)" }
        if let excerpt = error.bodyExcerpt { message += "; the server said: \(excerpt)" }
        self.init(
            error.code?.rawValue.lowercased() ?? error.kind.rawValue, message, session: error.session,
            hint: error.hint ?? error.retryAfter.map { "the server asks to wait \(Int($0.rounded(.up))) s" },
            status: status)
    }
}
