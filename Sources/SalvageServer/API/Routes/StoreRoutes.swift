import Catalog
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
            .get, "/stats", "stats", "Sessions and crashes by hour or day.",
            [
                .query("by", .word(["hour", "day"]), "the length of each part (hour)"),
                .query("group", .word(["tag", "image", "location"]), "what to group by"),
            ] + filters(cursor: nil),
            returns: [.page(of: "Statistic", "One item for each part and group with sessions.")]
        ) { call in
            let query = try call.selection()
            let isDay = try call.items.one("by") == "day"
            let group = try call.items.one("group")
            let now = call.now
            let items = try await call.store.read { store in
                try SessionStatistics.make(store, query.selection, isDay: isDay, group: group, now: now)
            }
            return call.page(items.map { APIShapes.statistic.line($0).utf8 }, next: nil)
        },
        APIRoute(
            .get, "/coverage", "coverage", "How much of what existed was collected.",
            [
                .query(
                    "group", .word(["image", "rule", "image,rule"]), "what to group by; without it there is one item")
            ] + filters(cursor: nil), returns: [.page(of: "Coverage", "One item for each group.")]
        ) { call in
            let query = try call.selection()
            let words = (try call.items.one("group") ?? "").split(separator: ",").map(String.init)
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
            return call.page(findings.map { APIShapes.finding.line($0).utf8 }, next: nil)
        },
    ]
}

/// Counts sessions and crashes by hour or day.
enum SessionStatistics {
    /// The longest time that is counted by the hour, in milliseconds.
    private static let longestByHour: Int64 = 31 * 86_400_000

    static func make(
        _ store: Store, _ selection: Selection, isDay: Bool, group: String?, now: Int64
    ) throws -> [Statistic] {
        let length: Int64 = isDay ? 86_400_000 : 3_600_000
        var selection = selection
        let since = selection.since ?? now - (isDay ? 30 : 1) * 86_400_000
        guard isDay || (selection.until ?? now).subtractingReportingOverflow(since).partialValue <= longestByHour else {
            throw ServerFailure(
                .badRequest, "bad_time", "by the hour, at most 31 days can be counted", hint: "use by=day, or since=31d"
            )
        }
        selection.since = since
        var found: [Int64: ByteDictionary<Statistic>] = [:]
        try store.forEachSession(selection) { session in
            guard session.exited != nil || session.firstSeenExited != nil else { return }
            let from = session.at - ((session.at % length) + length) % length
            let name: String?
            switch group {
            case "tag": name = session.tag ?? ""
            case "image": name = session.image
            case "location": name = session.location ?? ""
            default: name = nil
            }
            var statistic = found[from]?[name ?? ""] ?? Statistic(from: from, group: name)
            statistic.sessions += 1
            if session.crashes > 0 { statistic.crashed += 1 }
            statistic.crashes += session.crashes
            found[from, default: [:]][name ?? ""] = statistic
        }
        return found.sorted { $0.key < $1.key }.flatMap { $0.value.sortedByKey.map(\.value) }
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
