import Text

extension YAMLNode {
    /// The deepest nesting accepted, and the most values that all aliases of a document may stand for together: a few
    /// lines of aliases to aliases can stand for billions of values.
    static let deepestNesting = 64
    static let mostAliased = 10_000

    /// Reads a text that has at most one YAML document; nil when it has none.
    ///
    /// - Throws: ``YAMLProblem`` when the text is not valid YAML, has a second document, sets a key twice in one
    ///   mapping, nests more than ``deepestNesting`` levels deep, or its aliases stand for more than ``mostAliased``
    ///   values.
    package static func document(_ yaml: String) throws(YAMLProblem) -> YAMLNode? {
        var text = Array(yaml.utf8)
        // libyaml would count a byte order mark as the first column, and find the second line indented less.
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
        guard !text.isEmpty else { return nil }
        try refuseManyTags(text)
        return try text.withUnsafeBufferPointer { (text) throws(YAMLProblem) -> YAMLNode? in
            var composer = YAMLComposer(events: try YAMLEvents(text))
            return try composer.document()
        }
    }
}

/// libyaml compares each `%TAG` directive with all before it: a file of them would keep it busy for many seconds. No
/// configuration needs one.
private func refuseManyTags(_ text: [UInt8]) throws(YAMLProblem) {
    var directives = 0
    for index in text.indices where text[index] == UInt8(ascii: "%") && text[index...].starts(with: "%TAG".utf8) {
        guard index == 0 || text[index - 1] == UInt8(ascii: "\n") || text[index - 1] == UInt8(ascii: "\r") else {
            continue
        }
        directives += 1
        guard directives <= 64 else {
            let line = text[..<index].count { $0 == UInt8(ascii: "\n") } + 1
            throw YAMLProblem(
                line: line, column: nil, message: "has more than 64 %TAG directives", fix: "remove them")
        }
    }
}

/// Builds the values of a document from its events.
private struct YAMLComposer: ~Copyable {
    /// A composed value, and the levels of lists and mappings in it.
    private struct Composed {
        var node: YAMLNode
        var height = 0
    }

    private var events: YAMLEvents
    /// The values that aliases can name, with the number of values in each.
    private var anchors: [String: (value: Composed, count: Int)] = [:]
    /// The number of values composed, and of those among them that stand in for aliases.
    private var composed = 0
    private var aliased = 0

    init(events: consuming YAMLEvents) { self.events = events }

    mutating func document() throws(YAMLProblem) -> YAMLNode? {
        _ = try events.next()
        if case .streamEnd = try events.next().kind { return nil }
        let root = try value(events.next(), depth: 0)
        _ = try events.next()
        let end = try events.next()
        guard case .streamEnd = end.kind else {
            throw YAMLProblem(
                line: end.line, message: "has a second YAML document", fix: "remove it and the `---` before it")
        }
        return root.node
    }

    /// Composes the value that begins with an event, inside `depth` lists and mappings.
    private mutating func value(_ event: YAMLEvent, depth: Int) throws(YAMLProblem) -> Composed {
        let before = composed
        composed += 1
        var value = Composed(node: YAMLNode(content: .sequence([]), line: event.line, column: event.column))
        switch event.kind {
        case .alias(let name): return try target(of: name, event, depth: depth)
        case .scalar(let text, let isPlain): value.node.content = .scalar(text, isPlain: isPlain)
        case .sequenceStart: try sequence(into: &value, depth: depth + 1)
        case .mappingStart: try mapping(into: &value, depth: depth + 1)
        // libyaml emits the rest only where no value is expected.
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd: break
        }
        // Only now: a value cannot contain itself.
        if let anchor = event.anchor { anchors[anchor] = (value, composed - before) }
        return value
    }

    private mutating func target(of name: String, _ event: YAMLEvent, depth: Int) throws(YAMLProblem) -> Composed {
        guard let target = anchors[name] else {
            throw YAMLProblem(
                line: event.line, column: event.column,
                message: "uses the alias '*\(name)', but no value before it has the anchor '&\(name)'",
                fix: "put the text in quotes, or define the anchor first")
        }
        composed += target.count - 1
        aliased += target.count
        guard aliased <= YAMLNode.mostAliased else {
            throw YAMLProblem(
                line: event.line, column: event.column,
                message: "uses aliases that stand for more than \(YAMLNode.mostAliased) values", fix: "write them out")
        }
        try check(depth: depth + target.value.height, event.line)
        return target.value
    }

    private mutating func sequence(into value: inout Composed, depth: Int) throws(YAMLProblem) {
        try check(depth: depth, value.node.line)
        var items: [YAMLNode] = []
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.kind { break }
            let item = try self.value(event, depth: depth)
            value.height = max(value.height, item.height)
            items.append(item.node)
        }
        value.height += 1
        value.node.content = .sequence(items)
    }

    private mutating func mapping(into value: inout Composed, depth: Int) throws(YAMLProblem) {
        try check(depth: depth, value.node.line)
        var entries: [YAMLNode.Entry] = []
        var names: ByteSet = []
        var repeated: [YAMLNode] = []
        while true {
            let event = try events.next()
            if case .mappingEnd = event.kind { break }
            let key = try self.value(event, depth: depth)
            let item = try self.value(events.next(), depth: depth)
            value.height = max(value.height, key.height, item.height)
            if let name = key.node.text, !names.insert(name).inserted { repeated.append(key.node) }
            entries.append(YAMLNode.Entry(key: key.node, value: item.node))
        }
        if let first = repeated.first {
            var seen: ByteSet = []
            let keys = repeated.compactMap(\.text).filter { seen.insert($0).inserted }
            throw YAMLProblem(
                line: first.line,
                message: "sets \(keys.map { "'\($0)'" }.joined(separator: ", ")) more than once in one mapping",
                fix: "keep one of each")
        }
        value.height += 1
        value.node.content = .mapping(entries)
    }

    private func check(depth: Int, _ line: Int) throws(YAMLProblem) {
        guard depth > YAMLNode.deepestNesting else { return }
        throw YAMLProblem(
            line: line, message: "is nested more than \(YAMLNode.deepestNesting) levels deep", fix: "flatten it")
    }
}
