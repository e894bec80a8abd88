/// A dictionary whose keys are texts compared by their bytes; see ``ByteText``.
@frozen public struct ByteDictionary<Value> {
    @usableFromInline var storage: [ByteText: Value]

    /// An empty dictionary.
    @inlinable
    public init() { storage = [:] }

    /// A dictionary of pairs; if a key occurs twice, `combine` chooses the value.
    @inlinable
    public init(_ pairs: some Sequence<(String, Value)>, uniquingKeysWith combine: (Value, Value) -> Value) {
        storage = Dictionary(pairs.lazy.map { (ByteText($0.0), $0.1) }, uniquingKeysWith: combine)
    }

    /// The value of a key; nil if there is none.
    @inlinable
    public subscript(key: String) -> Value? {
        get { storage[ByteText(key)] }
        _modify { yield &storage[ByteText(key)] }
    }

    /// The value of a key, or `value` if there is none.
    @inlinable
    public subscript(key: String, default value: @autoclosure () -> Value) -> Value {
        get { storage[ByteText(key)] ?? value() }
        _modify { yield &storage[ByteText(key), default: value()] }
    }

    /// Removes a key and returns its value.
    @inlinable
    @discardableResult
    public mutating func removeValue(forKey key: String) -> Value? { storage.removeValue(forKey: ByteText(key)) }

    /// Removes everything.
    @inlinable
    public mutating func removeAll() { storage.removeAll() }

    /// Returns this dictionary with the pairs of another added; if both have a key, `combine` chooses the value.
    public func merging(_ other: ByteDictionary, uniquingKeysWith combine: (Value, Value) -> Value) -> ByteDictionary {
        var result = self
        result.storage.merge(other.storage, uniquingKeysWith: combine)
        return result
    }

    /// The number of keys.
    @inlinable
    public var count: Int { storage.count }

    /// Whether the count is 0.
    @inlinable
    public var isEmpty: Bool { storage.isEmpty }

    /// The keys, in no particular order.
    @inlinable
    public var keys: some Collection<String> { storage.keys.lazy.map(\.text) }

    /// The values, in no particular order.
    @inlinable
    public var values: some Collection<Value> { storage.values }

    /// The pairs in the order of their keys' bytes.
    @inlinable
    public var sortedByKey: [(key: String, value: Value)] {
        storage.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value) }
    }
}

extension ByteDictionary: Sequence {
    /// Iterates over the pairs, in no particular order.
    @inlinable
    public func makeIterator() -> AnyIterator<(key: String, value: Value)> {
        var pairs = storage.makeIterator()
        return AnyIterator { pairs.next().map { ($0.key.text, $0.value) } }
    }
}

extension ByteDictionary: ExpressibleByDictionaryLiteral {
    /// A dictionary from a literal; if a key occurs twice, the last value is kept.
    @inlinable
    public init(dictionaryLiteral elements: (String, Value)...) {
        self.init(elements, uniquingKeysWith: { $1 })
    }
}

extension ByteDictionary: Codable where Value: Codable {
    private struct NameKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ text: String) { stringValue = text }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private struct Pair: Codable {
        let key: String
        let value: Value
    }

    /// Reads an object, or a list of pairs.
    public init(from decoder: any Decoder) throws {
        self.init()
        if let object = try? decoder.container(keyedBy: NameKey.self) {
            for key in object.allKeys { self[key.stringValue] = try object.decode(Value.self, forKey: key) }
        } else {
            for pair in try [Pair](from: decoder) { self[pair.key] = pair.value }
        }
    }

    /// Writes an object, or a list of pairs if two keys are equal as `String`, which is how an encoder compares them.
    public func encode(to encoder: any Encoder) throws {
        if Set(keys).count == count {
            var object = encoder.container(keyedBy: NameKey.self)
            for (key, value) in self { try object.encode(value, forKey: NameKey(key)) }
        } else {
            try sortedByKey.map { Pair(key: $0.key, value: $0.value) }.encode(to: encoder)
        }
    }
}

extension ByteDictionary: Sendable where Value: Sendable {}
extension ByteDictionary: Equatable where Value: Equatable {}
extension ByteDictionary: Hashable where Value: Hashable {}

/// A set of texts compared by their bytes; see ``ByteText``.
@frozen public struct ByteSet: Sendable, Equatable {
    @usableFromInline var storage: Set<ByteText>

    /// An empty set.
    @inlinable
    public init() { storage = [] }

    /// A set of these texts.
    @inlinable
    public init(_ texts: some Sequence<String>) { storage = Set(texts.lazy.map { ByteText($0) }) }

    /// Whether the text is in the set.
    @inlinable
    public func contains(_ text: String) -> Bool { storage.contains(ByteText(text)) }

    /// Inserts a text; `inserted` is false if the set already has it.
    @inlinable
    @discardableResult
    public mutating func insert(_ text: String) -> (inserted: Bool, memberAfterInsert: String) {
        let (inserted, member) = storage.insert(ByteText(text))
        return (inserted, member.text)
    }

    /// Removes a text and returns it; nil if the set does not have it.
    @inlinable
    @discardableResult
    public mutating func remove(_ text: String) -> String? { storage.remove(ByteText(text))?.text }

    /// Removes everything.
    @inlinable
    public mutating func removeAll(keepingCapacity: Bool = false) {
        storage.removeAll(keepingCapacity: keepingCapacity)
    }

    /// The number of texts.
    @inlinable
    public var count: Int { storage.count }

    /// Whether the count is 0.
    @inlinable
    public var isEmpty: Bool { storage.isEmpty }
}

extension ByteSet: Sequence {
    /// Iterates over the texts, in no particular order.
    @inlinable
    public func makeIterator() -> AnyIterator<String> {
        var texts = storage.makeIterator()
        return AnyIterator { texts.next()?.text }
    }

    /// Adds the texts of another set.
    @inlinable
    public mutating func formUnion(_ other: some Sequence<String>) { for text in other { insert(text) } }
}

extension ByteSet: ExpressibleByArrayLiteral {
    /// A set from a literal.
    @inlinable
    public init(arrayLiteral elements: String...) { self.init(elements) }
}
