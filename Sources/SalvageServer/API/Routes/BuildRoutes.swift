import Hummingbird
import JSON
import Model
import Store
import Text

extension APIRoutes {
    /// The operations about builds.
    static let builds: [APIRoute] = [
        APIRoute(
            .get, "/builds", "builds", "The builds of the selected sessions, the latest first.",
            filters(["since", "until", "image", "location", "label"]), returns: [.page(of: "Build", "The builds.")]
        ) { call in
            let query = try call.selection()
            let now = call.now
            let (items, next) = try await call.store.read { try $0.builds(query.selection, now: now) }.page(query) {
                $0.tag
            }
            return call.page(items.map { Shapes.build.line($0).utf8 }, next: next)
        },
        APIRoute(
            .get, "/diff", "diff", "The crashes of two builds, compared by signature.",
            [
                .query("a", .name, "the earlier build's tag, or a glob (the build before `b`)"),
                .query("b", .name, "the later build's tag, or a glob (the latest build)"),
            ] + filters(["since", "until", "image", "location", "label"], cursor: nil),
            returns: [
                APIAnswer(
                    status: .ok, type: "application/json",
                    schema: .fields(
                        [
                            ("a", .text, "the earlier build"), ("b", .text, "the later build"),
                            ("items", .list(.object("Change")), "the changes"),
                        ], required: ["a", "b", "items"]), help: "The changes.")
            ]
        ) { call in
            let query = try call.selection()
            let (first, second) = (try call.items.one("a"), try call.items.one("b"))
            let now = call.now
            let (tags, comparison) = try await call.store.read { store in
                let tags = try BuildPair.make(store, query.selection, first, second, now: now)
                return (
                    tags, try store.compare(before: tags.before, after: tags.after, query.selection)
                )
            }
            var line = JSONLine()
            line.add("a", tags.before)
            line.add("b", tags.after)
            line.add("items", json: comparison.changes.map { Shapes.change.line($0).utf8 }.jsonArray)
            return call.json(line)
        },
    ]
}

/// The two builds of a comparison.
struct BuildPair: Sendable {
    let before: String
    let after: String

    /// Fills in what was not given: the latest build, and the one before it.
    static func make(
        _ store: Store, _ selection: Selection, _ first: String?, _ second: String?, now: Int64
    ) throws -> BuildPair {
        if let first, let second { return BuildPair(before: first, after: second) }
        let tags = try store.builds(selection, now: now).map(\.tag)
        let after = second ?? tags.first
        let earlier = tags.drop { tag in after.map { !tag.hasSameBytes(as: $0) } ?? true }.dropFirst().first
        guard let after, let before = first ?? earlier else {
            throw ServerFailure(
                .notFound, "no_sessions", "there are no two builds to compare", hint: "give both as 'a' and 'b'")
        }
        return BuildPair(before: before, after: after)
    }
}
