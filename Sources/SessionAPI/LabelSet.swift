public import Text

/// Keys and values of a session, ordered by key. Where a key comes twice the first one counts.
///
/// A flat list rather than a dictionary: a session has a handful of labels and there may be a hundred thousand
/// sessions.
public struct LabelSet: Sendable, Equatable, RandomAccessCollection {
    /// One key with its value.
    public struct Label: Sendable, Equatable {
        /// The label's name.
        public var key: String
        /// The label's text.
        public var value: String

        /// A label of these two texts.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    private var labels: [Label]

    /// A set of these labels, in any order.
    public init(_ labels: [Label] = []) {
        self.init(read: labels.map { KeyedPair(key: $0.key, value: $0.value) })
    }

    /// A set of a dictionary's pairs.
    public init(_ dictionary: [String: String]) {
        self.init(dictionary.map { Label(key: $0.key, value: $0.value) })
    }

    /// The text under `key`, nil when there is none.
    public subscript(key: String) -> String? {
        labels.first { $0.key.hasSameBytes(as: key) }?.value
    }

    /// The same as a dictionary.
    public var dictionary: ByteDictionary<String> {
        ByteDictionary(labels.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// Index of the first label.
    public var startIndex: Int { 0 }
    /// Index after the last label.
    public var endIndex: Int { labels.count }
    /// The label at an index.
    public subscript(position: Int) -> Label { labels[position] }

    /// A set from pairs in the order they were read. A pair without a value holds its key against later pairs, and
    /// is then left out.
    init(read pairs: [KeyedPair<String?>]) {
        labels = KeyedPair.firstOfEach(pairs).compactMap { pair in
            pair.value.map { Label(key: pair.key, value: $0) }
        }
    }
}

/// A key and what came with it, while an object is being read.
struct KeyedPair<Value> {
    var key: String
    var value: Value

    /// True when a pair with this key has been read. Looks at no more than a thousand pairs, so that nobody can make
    /// an object whose members are all compared with each other.
    static func holds(_ key: String, in pairs: [KeyedPair]) -> Bool {
        pairs.prefix(1_000).contains { $0.key.hasSameBytes(as: key) }
    }

    /// The pairs ordered by key; of several with the same key only the first.
    static func firstOfEach(_ pairs: [KeyedPair]) -> [KeyedPair] {
        guard pairs.count > 1 else { return pairs }
        if (1..<pairs.count).allSatisfy({ ByteText(pairs[$0 - 1].key) < ByteText(pairs[$0].key) }) { return pairs }
        let order = pairs.indices.sorted { left, right in
            let (one, other) = (ByteText(pairs[left].key), ByteText(pairs[right].key))
            return one == other ? left < right : one < other
        }
        var arranged: [KeyedPair] = []
        arranged.reserveCapacity(pairs.count)
        for index in order where arranged.last?.key.hasSameBytes(as: pairs[index].key) != true {
            arranged.append(pairs[index])
        }
        return arranged
    }
}

extension LabelSet: ExpressibleByDictionaryLiteral {
    /// A set from a literal; where a key comes twice the first one counts.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Label(key: $0.0, value: $0.1) })
    }
}

extension LabelSet: CustomStringConvertible {
    /// The labels as `key=value`, comma separated.
    public var description: String {
        labels.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
