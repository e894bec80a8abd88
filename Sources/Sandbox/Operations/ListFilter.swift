import Text

/// The filter of session-list. All conditions must hold.
struct ListFilter {
    var all = false
    private var location: String?
    private var image: String?
    private var tag: String?
    private var host: String?
    private var wanted = Labels()
    private var unwanted = Labels()
    private var fewerPlayersThan: Int?
    private var morePlayersThan: Int?

    /// A list of label names, a record of names and values, or both.
    private struct Labels {
        /// Labels with any value.
        var names: [String] = []
        var pairs: [(key: String, value: String)] = []

        var isEmpty: Bool { names.isEmpty && pairs.isEmpty }
    }

    /// Reads the query.
    /// - Throws: `APIError` with status 422 that names every unknown parameter and invalid value.
    init(_ query: inout Query) throws(APIError) {
        all = query.flag("all")
        location = query.text("location")
        image = query.text("image")
        tag = query.text("tag")
        host = query.text("host")
        readPlayerCount(&query)
        wanted = Self.labels("filter", &query)
        unwanted = Self.labels("filterNot", &query)
        try query.close()
    }

    private mutating func readPlayerCount(_ query: inout Query) {
        for (key, value) in query.members("playerCount") {
            guard let key, ["lt", "gt"].contains(where: { $0.hasSameBytes(as: key) }) else {
                query.reject(
                    key.map { "playerCount[\($0)]" } ?? "playerCount", "must be playerCount[lt] or playerCount[gt]")
                continue
            }
            guard let number = Self.integer(value) else {
                query.reject("playerCount[\(key)]", "must be an integer")
                continue
            }
            let isLower = key.hasSameBytes(as: "gt")
            if (isLower ? morePlayersThan : fewerPlayersThan) != nil {
                query.reject("playerCount[\(key)]", "must be given once")
            }
            if isLower { morePlayersThan = number } else { fewerPlayersThan = number }
        }
    }

    /// Reads a list or a record. `name[]=t` and `name=t` are a list, and so is `name[0]=t&name[1]=u` if its keys are
    /// exactly 0 to n-1. Any other `name[key]=value` is part of a record.
    private static func labels(_ name: String, _ query: inout Query) -> Labels {
        var labels = Labels()
        for (key, value) in query.members(name) {
            if let key, !key.isEmpty {
                labels.pairs.append((key, value))
                continue
            }
            // In brackets the description allows any name, even an empty one.
            if key == nil, value.isEmpty { query.reject(name, "must name a label") }
            labels.names.append(value)
        }
        let keys = ByteSet(labels.pairs.map(\.key))
        if keys.count == labels.pairs.count, (0..<keys.count).allSatisfy({ keys.contains(String($0)) }) {
            labels.names += labels.pairs.map(\.value)
            labels.pairs = []
        } else {
            var seen: ByteSet = []
            for (key, _) in labels.pairs where !seen.insert(key).inserted {
                query.reject("\(name)[\(key)]", "must be given once")
            }
        }
        return labels
    }

    /// Reads an integer of any size. One that does not fit becomes the nearest Int.
    private static func integer(_ text: String) -> Int? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let digits = text.utf8.dropFirst(isNegative ? 1 : 0)
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text) ?? (isNegative ? .min : .max)
    }

    /// True when no condition but `all` is set.
    var isPlain: Bool {
        location == nil && image == nil && tag == nil && host == nil && wanted.isEmpty && unwanted.isEmpty
            && fewerPlayersThan == nil && morePlayersThan == nil
    }

    func admits(_ view: SessionView, status: String) -> Bool {
        guard all || status == SessionStatus.running.rawValue else { return false }
        return location.map(view.place.isCalled) ?? true
            && image.map { $0.hasSameBytes(as: view.image) } ?? true
            && tag.map { $0.hasSameBytes(as: view.tag) } ?? true
            && host.map { $0.hasSameBytes(as: view.host) } ?? true
            && fewerPlayersThan.map { view.players.count < $0 } ?? true
            && morePlayersThan.map { view.players.count > $0 } ?? true
            && wanted.names.allSatisfy { Self.label($0, of: view) != nil }
            && wanted.pairs.allSatisfy { Self.matches($0, view, status) }
            && !unwanted.names.contains { Self.label($0, of: view) != nil }
            && !unwanted.pairs.contains { Self.matches($0, view, status) }
    }

    private static func label(_ name: String, of view: SessionView) -> String? {
        view.tags.first { $0.0.hasSameBytes(as: name) }?.1
    }

    /// Whether a pair matches: its key is a label of the session or else a field of the API.
    private static func matches(_ pair: (key: String, value: String), _ view: SessionView, _ status: String) -> Bool {
        if let label = label(pair.key, of: view) { return label.hasSameBytes(as: pair.value) }
        return switch pair.key {
        case "location": view.place.isCalled(pair.value)
        case "region": view.place.region.hasSameBytes(as: pair.value)
        case "image": view.image.hasSameBytes(as: pair.value)
        case "tag": view.tag.hasSameBytes(as: pair.value)
        case "host": view.host.hasSameBytes(as: pair.value)
        case "status": status.hasSameBytes(as: pair.value)
        default: false
        }
    }
}
