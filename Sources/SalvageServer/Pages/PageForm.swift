import Text

/// A form that puts its fields into the address, so that a page with filters can be sent to a colleague.
struct PageForm: Sendable {
    /// One control.
    enum Field: Sendable {
        /// A text; `hint` is shown while it is empty. A name that the address repeats gets one control for each value.
        case text(_ name: String, _ label: String, hint: String = "", grows: Bool = false)
        /// One of several words; the first is chosen if the address has none of them.
        case choice(_ name: String, _ label: String, _ options: [(value: String, label: String)])
        /// A check box, whose value is `true`.
        case check(_ name: String, _ label: String)
        /// A value of the address that is kept.
        case kept(_ name: String)
    }

    /// The controls that select sessions, as `SelectionQuery` reads them.
    static let selection: [Field] = [
        .text("since", "Since", hint: "7d, 02:45 …"), .text("until", "Until", hint: "now"),
        .text("image", "Image", hint: "any"), .text("tag", "Build", hint: "any, 1.5.*"),
        .text("location", "Location", hint: "any"), .text("label", "Label", hint: "name=value"),
    ]

    /// The values of the partial `filters`.
    static func model(_ view: PageView, _ fields: [Field], submit: String = "Filter") -> PageModel {
        var model: PageModel = [
            "action": .shown(view.link.path(view.path)), "submit": .text(submit),
            "fields": .list(fields.flatMap { Self.models($0, view.query) }),
        ]
        if view.query.pairs.contains(where: { !$0.value.isEmpty }) {
            model["reset"] = .one(["href": .shown(view.link.path(view.path))])
        }
        return model
    }

    private static func models(_ field: Field, _ query: QueryItems) -> [PageModel] {
        switch field {
        case .text(let name, let label, let hint, let grows):
            let values = query.all(name).prefix(10)
            return (values.isEmpty ? [""] : Array(values)).map { value in
                var model: PageModel = [
                    "isText": true, "isGrow": .flag(grows), "name": .shown(name), "label": .text(label),
                    "value": .text(value),
                ]
                model.set("hint", hint)
                return model
            }
        case .choice(let name, let label, let options):
            let value = query.all(name).first ?? ""
            let chosen = options.contains { $0.value.hasSameBytes(as: value) } ? value : options.first?.value ?? ""
            return [
                [
                    "isChoice": true, "name": .shown(name), "label": .text(label),
                    "options": .list(
                        options.map {
                            [
                                "optionValue": .text($0.value), "optionLabel": .text($0.label),
                                "isChosen": .flag($0.value.hasSameBytes(as: chosen)),
                            ]
                        }),
                ]
            ]
        case .check(let name, let label):
            let isOn = query.all(name).contains { $0 != "0" && $0 != "false" }
            return [
                ["isCheck": true, "name": .shown(name), "label": .text(label), "value": "true", "isOn": .flag(isOn)]
            ]
        case .kept(let name):
            return query.all(name).prefix(10).map { ["isHidden": true, "name": .shown(name), "value": .text($0)] }
        }
    }
}

/// The links below a list.
struct PagePaging: Sendable {
    /// The address of the first page; nil on it.
    var first: String?
    /// The address of the next page; nil on the last.
    var next: String?
    /// What is shown, such as `1–50 of 312`.
    var note: String

    /// The values of the partial `paging`.
    var model: PageModel {
        var paging: PageModel = ["pagingNote": .text(note)]
        if let first { paging["first"] = .one(["href": .shown(first)]) }
        if let next { paging["next"] = .one(["href": .shown(next)]) }
        return ["paging": .one(paging)]
    }
}
