import JSON

/// Encodes sessions as the API shows them, changed by faults.
struct SessionJSON {
    let view: SessionView
    let verdict: FaultRegistry.Verdict
    let now: Milliseconds

    private var faults: Faults { verdict.faults }

    /// The status shown. A fault may replace it for a time, which starts when the fault is set, or at the session's end
    /// if the fault was set when the session or server started.
    var status: String {
        if let other = faults.status {
            guard let seconds = faults.statusSeconds else { return other }
            if let from = verdict.setAt ?? view.ended {
                let until = from &+ SandboxConfiguration.milliseconds(seconds)
                if now < until { return other }
            }
        }
        if faults.deadOnCrash == true, view.crashed, view.status == .exited { return SessionStatus.dead.rawValue }
        return view.status.rawValue
    }

    /// Whether the list shows the session: its container exists, unless a fault says otherwise.
    var isListed: Bool {
        if faults.hidden == true { return false }
        if let removed = view.removed {
            guard let seconds = faults.listedAfterRemovalSeconds else { return false }
            return now < removed &+ SandboxConfiguration.milliseconds(seconds)
        }
        if let ended = view.ended, let seconds = faults.hiddenAfterExitSeconds {
            return now < ended &+ SandboxConfiguration.milliseconds(seconds)
        }
        return true
    }

    var listEntry: JSONValue {
        var members = common(
            tag: faults.omitTag != true, status: faults.omitStatus != true, labels: faults.omitLabels != true)
        if faults.legacyFields == true {
            members.append(.init("playerCount", .null))
            members.append(.init("enableMetrics", .bool(false)))
            members.append(.init("x-legacy", .object([.init("since", .integer(2019))])))
        } else {
            members.append(.init("playerCount", .integer(Int64(view.players.count))))
        }
        return .object(members)
    }

    var description: JSONValue {
        var members = common(tag: true, status: true, labels: true)
        members.append(
            .init(
                "players",
                .object([
                    .init("joined", .array(view.players.names.map { .string($0) })),
                    .init("joinedCount", .integer(Int64(view.players.count))),
                ])))
        if faults.legacyFields == true {
            members.append(.init("playerCount", .null))
            members.append(.init("enableMetrics", .bool(false)))
        }
        return .object(members)
    }

    /// The fields of list and describe, in the order of the API's description.
    private func common(tag: Bool, status: Bool, labels: Bool) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [.init("id", .string(view.id)), .init("image", .string(view.image))]
        if tag { members.append(.init("tag", .string(view.tag))) }
        members.append(.init("location", .string(view.place.centre)))
        members.append(.init("host", .string(view.host)))
        let created = faults.createdInSeconds == true ? view.created / 1000 : view.created
        members.append(.init("created", .integer(created)))
        members.append(
            .init(
                "port",
                .object(view.ports.map { .init("\($0.container)/\($0.type)", .integer(Int64($0.host))) })))
        if status { members.append(.init("status", .string(self.status))) }
        if labels { members.append(.init("labels", self.labels)) }
        return members
    }

    /// `env`, `tags` and `gameye` hold JSON text; the other labels are the image's own.
    private var labels: JSONValue {
        func text(_ pairs: [(String, String)]) -> String {
            String(decoding: JSONValue.strings(pairs).utf8, as: UTF8.self)
        }
        var labels = view.imageLabels
        switch faults.labels {
        case nil:
            labels.append(("env", text(view.env)))
            labels.append(("gameye", text(platform)))
            labels.append(("tags", text(view.tags)))
        case .notJSON:
            labels.append(("env", view.env.map { "\($0.0)=\($0.1)" }.joined(separator: " ")))
            labels.append(("gameye", "map[session:\(view.id)]"))
            labels.append(("tags", "map[" + view.tags.map { "\($0.0):\($0.1)" }.joined(separator: " ") + "]"))
        case .bare: break
        }
        return .strings(labels)
    }

    private var platform: [(String, String)] {
        var pairs = [
            ("organization", "sandbox"), ("session", view.id), ("image", view.image), ("region", view.place.region),
            ("tag", view.tag), ("enableMetrics", "false"),
        ]
        if let external = view.externalID { pairs.append(("external_id", external)) }
        return pairs
    }
}
