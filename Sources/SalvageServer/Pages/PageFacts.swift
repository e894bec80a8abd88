/// Names and values of a list of facts. Unknown facts are left out.
struct PageFacts: Sendable {
    /// The values of each.
    private(set) var models: [PageModel] = []

    /// Adds text, with a link if it leads somewhere.
    mutating func add(_ name: String, _ text: String?, link: String? = nil) {
        guard let text, !text.isEmpty else { return }
        var model: PageModel = ["factName": .text(name, most: 80), "fact": .text(text, most: 1000)]
        if let link { model["factLink"] = .one(["href": .shown(link)]) }
        models.append(model)
    }

    /// Adds a point in time.
    mutating func add(_ name: String, time: Int64?) {
        guard let time else { return }
        models.append(["factName": .text(name), "factTime": PageWords.time(time)])
    }
}
