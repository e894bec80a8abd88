import ArgumentParser
import SessionAPI
import Terminal
import Text

extension API {
    struct SessionList: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session-list", abstract: "List sessions, one per line.",
            discussion: """
                Lists running sessions; with --all, sessions of every status. A session must match every filter.

                  salvage api session-list --all --image shooter
                  salvage api session-list --location europe --players-lt 8
                  salvage api session-list --filter mode=duel
                  salvage api session-list --filter ranked   with any value of the label
                """)

        @Flag(help: "List sessions of every status, not only running ones.") var all = false
        @Option(help: "Only this location.") var location: String?
        @Option(help: "Only this image.") var image: String?
        @Option(help: "Only this version.") var tag: String?
        @Option(help: ArgumentHelp("Only this host.", valueName: "address")) var host: String?
        @Option(help: ArgumentHelp("Only sessions with fewer players.", valueName: "n")) var playersLt: Int?
        @Option(help: ArgumentHelp("Only sessions with more players.", valueName: "n")) var playersGt: Int?
        @Option(
            help: ArgumentHelp(
                "Only sessions with this label; a key alone matches any value. May be repeated.",
                valueName: "key[=value]"))
        var filter: [String] = []
        @Option(
            help: ArgumentHelp(
                "Only sessions without this label, where the server supports filterNot.", valueName: "key[=value]"))
        var filterNot: [String] = []
        @OptionGroup var options: APIOptions

        func validate() throws { _ = try query() }

        func run() async throws {
            let query = try query()
            try query.check()
            let output = Output(options.global)
            let summary = try await options.withClient { client in
                try await client.sessionList(query) { output.line(APIObject.line($0)) }
            }
            try output.finish()
            try Self.judge(summary)
        }

        private func query() throws -> SessionListQuery {
            SessionListQuery(
                all: all ? true : nil, location: location, image: image, tag: tag, host: host,
                playersLessThan: playersLt, playersGreaterThan: playersGt,
                filter: try APIPairs.read(filter.filter { $0.utf8.contains(UInt8(ascii: "=")) }, "--filter"),
                filterNot: try APIPairs.read(filterNot.filter { $0.utf8.contains(UInt8(ascii: "=")) }, "--filter-not"),
                carrying: try Self.names(filter, "--filter"), carryingNone: try Self.names(filterNot, "--filter-not"))
        }

        /// The filters that are a key without a value.
        private static func names(_ filters: [String], _ flag: String) throws -> [String] {
            let names = filters.filter { !$0.utf8.contains(UInt8(ascii: "=")) }
            if names.contains("") { throw ValidationError("\(flag) takes KEY or KEY=VALUE, not an empty string") }
            return names
        }

        private static func judge(_ summary: SessionListSummary) throws {
            guard summary.rejected > 0 else { return }
            let first = summary.damaged.first { !$0.wasTaken }
            let place = first.map { entry in
                ", the first at byte \(entry.offset)\(entry.id.map { " (session \($0))" } ?? ""): \(entry.reason)"
            }
            let entries = counted(summary.rejected, "entry", "entries")
            throw Failure(
                "entries_left_out", "\(entries) of the list cannot be read\(place ?? "")", status: .partial)
        }
    }
}
