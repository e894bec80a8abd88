import Catalog
import HTTPTypes
import Hummingbird
import JSON
import Model
import SalvageConfiguration
import Store
import Text

extension APIRoutes {
    /// The operations about the store as a whole.
    static let store: [APIRoute] = [
        APIRoute(
            .get, "/status", "status", "The state of the store.", returns: [.object("Status", "The state.")]
        ) { call in
            let configuration = try call.services.configuration()
            let now = call.now
            let report = try await call.store.read { store in
                var report = try store.status(now: now)
                report.absentPaths = try store.absentPaths(configuration, now: now)
                return report
            }
            return call.json(Shapes.status.line(report))
        },
        APIRoute(
            .get, "/identity", "identity", "Who sent the request.",
            returns: [.object("Identity", "The name and the roles.")]
        ) { call in call.json(APIShapes.identity.line(call.context)) },
        APIRoute(
            .get, "/openapi.json", "openapi", "This description.",
            returns: [
                APIAnswer(
                    status: .ok, type: "application/json", schema: .fields([], required: ["openapi", "paths"]),
                    help: "An OpenAPI 3.1 document.")
            ]
        ) { call in call.json(OpenAPIDocument.make(call.table.routes, call.settings)) },
        APIRoute(
            .get, "/stats", "stats", "Sessions and crashes by hour or day, and by tag.",
            [
                .query("by", .word(SeriesUnit.allCases.map(\.rawValue)), "the length of each part (hour)"),
                .query("group", .word(["tag"]), "one item for each tag; otherwise one for all"),
            ] + filters(["since", "until", "image", "tag", "location", "label", "signature", "session"], cursor: nil),
            returns: [.page(of: "SeriesPoint", "The hours or days with sessions, in order.")]
        ) { call in
            let query = try call.selection()
            let unit = try call.unit(.hour)
            let isByTag = try call.word("group", ["tag"]) != nil
            let now = call.now
            let points = try await call.store.read { store in
                try SessionSeries.make(store, query.selection, unit, isByTag: isByTag, now: now)
            }
            return call.page(points.map { Shapes.seriesPoint.line($0).utf8 }, next: nil)
        },
        APIRoute(
            .get, "/coverage", "coverage", "How much of what existed was collected.",
            [
                .query(
                    "group", .word(["image", "rule", "image,rule"]), "what to group by; without it there is one item")
            ] + filters(cursor: nil), returns: [.page(of: "Coverage", "One item for each group.")]
        ) { call in
            let query = try call.selection()
            let words = (try call.word("group", ["image", "rule", "image,rule"]) ?? "").split(separator: ",").map(
                String.init)
            let configuration = try call.services.configuration()
            let groups = try await call.store.read { store in
                try CoverageGroups.make(store, query.selection, by: words, configuration)
            }
            return call.page(groups.map { APIShapes.coverage.line($0).utf8 }, next: nil)
        },
        APIRoute(
            .get, "/doctor", "doctor", "Whether the next harvest will work, as far as it is known without the API.",
            returns: [.page(of: "Finding", "The checks.")]
        ) { call in
            let configuration = try call.services.configuration()
            let now = call.now
            let findings = try await call.store.read { store in
                store.examine(configuration, interval: nil, now: now)
            }
            return call.page(findings.map { Shapes.finding.line($0).utf8 }, next: nil)
        },
    ]
}

/// Sessions and crashes by time.
enum SessionSeries {
    /// The longest time that is counted by the hour, in milliseconds.
    private static let longestByHour: Int64 = 31 * 86_400_000

    static func make(
        _ store: Store, _ selection: Selection, _ unit: SeriesUnit, isByTag: Bool, now: Int64
    ) throws -> [SeriesPoint] {
        var selection = selection
        let since = selection.since ?? now - (unit == .day ? 30 : 1) * 86_400_000
        let length = (selection.until ?? now).subtractingReportingOverflow(since).partialValue
        guard unit == .day || length <= longestByHour else {
            throw ServerFailure(
                .badRequest, "bad_time", "by the hour, at most 31 days can be counted", hint: "use by=day, or since=31d"
            )
        }
        selection.since = since
        let points = try store.series(by: unit, selection)
        guard !isByTag else { return points }
        var sums: [Int64: SeriesPoint] = [:]
        for point in points {
            guard var sum = sums[point.time] else {
                var first = point
                first.tag = nil
                sums[point.time] = first
                continue
            }
            sum.sessions += point.sessions
            sum.crashed += point.crashed
            sum.crashes += point.crashes
            sums[point.time] = sum
        }
        return sums.sorted { $0.key < $1.key }.map(\.value)
    }
}

/// Sums up what was collected, by image and rule.
enum CoverageGroups {
    static func make(
        _ store: Store, _ selection: Selection, by words: [String], _ configuration: Configuration
    ) throws -> [CoverageGroup] {
        guard !words.isEmpty else {
            return [CoverageGroup(image: nil, rule: nil, coverage: try store.coverage(selection))]
        }
        let (byImage, byRule) = (words.contains("image"), words.contains("rule"))
        var groups: ByteDictionary<CoverageGroup> = [:]
        var keys: ByteDictionary<String> = [:]
        try store.forEachSession(selection) { session in
            let image = byImage ? session.image : nil
            let rule = byRule ? configuration.rule(for: session.identity)?.name ?? "" : nil
            let key = (image ?? "") + "\u{0}" + (rule ?? "")
            keys[session.session] = key
            var group = groups[key] ?? CoverageGroup(image: image, rule: rule, coverage: Coverage())
            group.coverage.sessions[session.state, default: 0] += 1
            groups[key] = group
        }
        try store.forEachGap(selection, includesCollected: true) { gap in
            // A session that came in between the two questions has no group yet.
            guard let entry = gap.entry, let key = keys[gap.session], var group = groups[key] else { return }
            group.coverage.artifacts[entry.state, default: 0] += 1
            group.coverage.bytes &+= entry.bytes
            groups[key] = group
        }
        return groups.sortedByKey.map(\.value)
    }
}
