import JSON
import SessionAPI
import Terminal
import Text

extension API {
    struct SessionList: APIOperationCommand {
        static var name: String { "api session-list" }
        static var abstract: String { "List sessions, one per line." }
        static var discussion: String {
            """
            Lists running sessions; with --all, sessions of every status. A session must match every filter.

              salvage api session-list --all --image shooter
              salvage api session-list --location europe --players-lt 8
              salvage api session-list --filter mode=duel
              salvage api session-list --filter ranked   with any value of the label
            """
        }
        static var flags: [CommandFlag<Self>] {
            let own: [CommandFlag<Self>] = [
                .toggle("all", nil, "List sessions of every status, not only running ones.") { $0.all = true },
                .text("location", value: "location", "Only this location.") { $0.location = $1 },
                .text("image", value: "image", "Only this image.") { $0.image = $1 },
                .text("tag", value: "tag", "Only this version.") { $0.tag = $1 },
                .text("host", value: "address", "Only this host.") { $0.host = $1 },
                .number("players-lt", value: "n", "Only sessions with fewer players.") { $0.playersLt = $1 },
                .number("players-gt", value: "n", "Only sessions with more players.") { $0.playersGt = $1 },
                .texts(
                    "filter", value: "key[=value]",
                    "Only sessions with this label; a key alone matches any value. May be repeated."
                ) { $0.filter.append($1) },
                .texts(
                    "filter-not", value: "key[=value]",
                    "Only sessions without this label, where the server supports filterNot."
                ) { $0.filterNot.append($1) },
            ]
            return own + APIOptions.flags.within(\.api)
        }

        var all = false
        var location: String?
        var image: String?
        var tag: String?
        var host: String?
        var playersLt: Int?
        var playersGt: Int?
        var filter: [String] = []
        var filterNot: [String] = []
        var api = APIOptions()

        func validate() throws { _ = try query() }

        func run() async throws {
            let query = try query()
            try query.check()
            let output = Output(options)
            let summary = try await withClient { client in
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
            if names.contains("") {
                throw Failure.usage("invalid value '' for \(flag)", hint: "write \(flag) KEY or \(flag) KEY=VALUE")
            }
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
