public import Text

/// Keys and values of a session, ordered by key. Of duplicate keys, the first is kept.
///
/// A flat list, not a dictionary: a session has a handful of labels, and there may be 100,000 sessions.
public struct LabelSet: Sendable, Equatable, RandomAccessCollection {
    /// One key with its value.
    public struct Label: Sendable, Equatable {
        /// The label's name.
        public var key: String
        /// The label's value.
        public var value: String

        /// Creates a label.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    private var labels: [Label]

    /// Creates a set from labels in any order.
    public init(_ labels: [Label] = []) {
        self.init(read: labels.map { KeyedPair(key: $0.key, value: $0.value) })
    }

    /// Creates a set from a dictionary.
    public init(_ dictionary: [String: String]) {
        self.init(dictionary.map { Label(key: $0.key, value: $0.value) })
    }

    /// The value of `key`, nil when there is none.
    public subscript(key: String) -> String? {
        labels.first { $0.key.hasSameBytes(as: key) }?.value
    }

    /// The labels as a dictionary.
    public var dictionary: ByteDictionary<String> {
        ByteDictionary(labels.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// Index of the first label.
    public var startIndex: Int { 0 }
    /// Index after the last label.
    public var endIndex: Int { labels.count }
    /// The label at an index.
    public subscript(position: Int) -> Label { labels[position] }

    /// Creates a set from pairs in the order they were read. A pair without a value hides later pairs with the same key
    /// and is itself left out.
    init(read pairs: [KeyedPair<String?>]) {
        labels = KeyedPair.firstOfEach(pairs).compactMap { pair in
            pair.value.map { Label(key: pair.key, value: $0) }
        }
    }
}

/// A key and its value, while an object is being read.
struct KeyedPair<Value> {
    var key: String
    var value: Value

    /// True when a pair with this key has been read. Checks only the first 1,000 pairs, so that a hostile object cannot
    /// make the work quadratic.
    static func holds(_ key: String, in pairs: [KeyedPair]) -> Bool {
        pairs.prefix(1_000).contains { $0.key.hasSameBytes(as: key) }
    }

    /// Returns the pairs ordered by key; of duplicate keys, only the first.
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
    /// Creates a set from a literal; of duplicate keys, the first is kept.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Label(key: $0.0, value: $0.1) })
    }
}

extension LabelSet: CustomStringConvertible {
    /// The labels as `key=value`, separated by commas.
    public var description: String {
        labels.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
