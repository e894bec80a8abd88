import HTTPTypes
import Hummingbird
import JSON
import Model
import Store
import Text

extension APIRoutes {
    /// The operations that decide about signatures.
    static let decisions: [APIRoute] = [
        APIRoute(
            .patch, "/signatures/{id}", "decide", "Decides about a signature.", role: .triage,
            body: APIBody(type: "application/json", schema: DecisionRequest.schema),
            returns: [.object("Signature", "The signature with the decision.")]
        ) { call in
            let wanted = try DecisionRequest(try await call.request.jsonObject(call.context.activity), now: call.now)
            let (id, now, author) = (call.id, call.now, call.context.identity.name)
            let overview = try await call.store.write { store in
                var overview = try store.signature(named: id, now: now)
                for action in wanted.actions {
                    overview = try store.decide(
                        Decision(
                            signature: overview.signature, time: now, author: author, action: action,
                            ticket: wanted.ticket, note: wanted.note), now: now)
                }
                return overview
            }
            return call.json(Shapes.signature.line(overview))
        },
        APIRoute(
            .post, "/signatures/{id}/merge", "merge", "Counts the crashes of a signature as those of another.",
            role: .triage,
            body: APIBody(
                type: "application/json",
                schema: .fields(
                    [("into", .name, "the other signature")], required: ["into"], isClosed: true)),
            returns: [.object("Signature", "The other signature.")]
        ) { call in
            let body = try await call.request.jsonObject(call.context.activity)
            guard let into = body["into"]?.string, !into.isEmpty, body.members?.count == 1 else {
                throw ServerFailure(.badRequest, "bad_into", "the body is not {\"into\": \"SIGNATURE\"}")
            }
            let (id, now, author) = (call.id, call.now, call.context.identity.name)
            let overview = try await call.store.write { store in
                let signature = try store.signature(named: id, now: now)
                let other = try store.signature(named: into, now: now)
                _ = try store.decide(
                    Decision(
                        signature: signature.signature, time: now, author: author,
                        action: .merge(into: other.signature)), now: now)
                return try store.signature(named: other.id, now: now)
            }
            return call.json(Shapes.signature.line(overview))
        },
        APIRoute(
            .post, "/signatures/{id}/unmerge", "unmerge", "Lets a merged signature stand alone again.", role: .triage,
            returns: [.object("Signature", "The signature.")]
        ) { call in
            let (id, now, author) = (call.id, call.now, call.context.identity.name)
            let overview = try await call.store.write { store in
                let text = try store.mergedText(id, now: now)
                return try store.decide(
                    Decision(signature: text, time: now, author: author, action: .unmerge), now: now)
            }
            return call.json(Shapes.signature.line(overview))
        },
    ]
}

extension Store {
    /// The text of the merged signature that a name means. The name of a merged signature leads to the other one, so the
    /// merged ones are compared first.
    fileprivate func mergedText(_ name: String, now: Int64) throws -> String {
        let overview = try signature(named: name, now: now)
        let merged = overview.standing.merged
        return merged.first { $0.hasSameBytes(as: name) || SignatureID.of($0) == name } ?? overview.signature
    }
}

/// What a request decides about a signature.
struct DecisionRequest: Sendable {
    private static let states = ["open", "fixed", "ignored"]
    private static let longest = 10_000

    /// The entries of the journal that it makes.
    var actions: [Decision.Action] = []
    var ticket: String?
    var note: String?

    static let schema = APISchema.fields(
        [
            ("state", .word(states), "the new state"),
            ("fixed_in", .name, "the tag it is fixed in; without it, builds whose sessions begin later"),
            ("until", .time, "ignored until this time; a span such as `7d` counts from now"),
            ("crashes", .integer(1...1_000_000), "ignored until it has this many more crashes"),
            ("ticket", .text(matching: "^https?://[A-Za-z0-9./_?&=%#:-]{1,500}$"), "the link of a ticket"),
            ("note", .text(atMost: longest), "a note"),
            ("owner", APISchema.text(atMost: 200).orNull, "who owns it; null or an empty text for nobody"),
        ], required: [], isClosed: true)

    init(_ body: JSONValue, now: Int64) throws {
        let known = ["state", "fixed_in", "until", "crashes", "ticket", "note", "owner"]
        guard let members = body.members, !members.isEmpty else {
            throw ServerFailure(.badRequest, "bad_decision", "the body decides nothing", hint: Self.hint)
        }
        for member in members where !known.contains(where: { $0.hasSameBytes(as: member.name) }) {
            throw ServerFailure(
                .badRequest, "bad_decision", "'\(member.name)' is not a field of a decision", hint: Self.hint)
        }
        ticket = try Self.text(body, "ticket")
        note = try Self.text(body, "note")
        if let ticket, !ticket.hasPrefix("https://"), !ticket.hasPrefix("http://") {
            throw ServerFailure(
                .badRequest, "bad_ticket", "the ticket is not a link", hint: "write https://tracker.example/123")
        }
        if let action = try Self.state(body, now) { actions.append(action) }
        if let owner = body["owner"] {
            let name = try owner == .null ? nil : Self.text(body, "owner", atMost: 200)
            actions.append(.assign(owner: name?.isEmpty == true ? nil : name))
        }
        if actions.isEmpty { actions = [.note] }
    }

    private static let hint = "fields: state, fixed_in, until, crashes, ticket, note, owner"

    private static func state(_ body: JSONValue, _ now: Int64) throws -> Decision.Action? {
        let fixedIn = try text(body, "fixed_in")
        guard fixedIn?.isEmpty != true else {
            throw ServerFailure(.badRequest, "bad_fixed_in", "'fixed_in' is empty", hint: "write the tag of the build")
        }
        let until = try text(body, "until").map { text in
            guard let time = RequestTime.future(text, now: now) else {
                throw ServerFailure(
                    .badRequest, "bad_until", "invalid value '\(text)' for 'until'",
                    hint: "write a span like 7d, or an instant like 2026-11-20T21:00Z")
            }
            return time
        }
        var crashes: Int?
        if let value = body["crashes"] {
            guard let number = value.int64, (1...1_000_000).contains(number) else {
                throw ServerFailure(.badRequest, "bad_crashes", "'crashes' is not a number from 1 to 1,000,000")
            }
            crashes = Int(number)
        }
        let isIgnored = until != nil || crashes != nil
        let implied = fixedIn != nil ? "fixed" : isIgnored ? "ignored" : nil
        let state = try text(body, "state") ?? implied
        switch state {
        case "fixed" where !isIgnored: return .resolve(fixedIn: fixedIn)
        case "ignored" where fixedIn == nil: return .ignore(until: until, crashes: crashes)
        case "open" where implied == nil: return .reopen
        case nil: return nil
        default:
            throw ServerFailure(
                .badRequest, "bad_decision", "the fields do not go together, or the state is unknown",
                hint: "state is open, fixed (with fixed_in) or ignored (with until or crashes)")
        }
    }

    private static func text(_ body: JSONValue, _ name: String, atMost most: Int = longest) throws -> String? {
        guard let value = body[name] else { return nil }
        guard let text = value.string, text.unicodeScalars.count <= most else {
            throw ServerFailure(
                .badRequest, "bad_\(name)", "'\(name)' is not a text of at most \(most) characters")
        }
        return text
    }
}
