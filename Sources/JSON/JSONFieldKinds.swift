public import Text

extension JSONField {
    /// A whole number without sign, such as a size in bytes, that every object has.
    public static func unsigned(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> UInt64
    ) -> JSONField {
        JSONField(name, .integer, always: true, help) { $1.add(name, read($0)) }
    }

    /// A whole number without sign that an object may lack.
    public static func optionalUnsigned(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> UInt64?
    ) -> JSONField {
        JSONField(name, .integer, always: false, help) { $1.add(name, read($0)) }
    }

    /// One of a few words, or nothing.
    public static func optionalWord(
        _ name: String, _ words: [String], _ help: String, _ read: @escaping @Sendable (Value) -> String?
    ) -> JSONField {
        JSONField(name, .word(words), always: false, help) { $1.add(name, read($0)) }
    }

    /// An array of strings; left out if nil.
    public static func optionalTexts(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> [String]?
    ) -> JSONField {
        JSONField(name, .list(.text), always: false, help) { value, line in
            if let texts = read(value) { line.add(name, texts) }
        }
    }

    /// An object of texts, sorted by name.
    public static func textMap(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> ByteDictionary<String>
    ) -> JSONField {
        JSONField(name, .map(.text), always: true, help) { $1.add(name, read($0)) }
    }

    /// An object of counts, in the order in which they are read.
    public static func counts(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> [(name: String, count: Int)]
    ) -> JSONField {
        JSONField(name, .map(.integer), always: true, help) { value, line in
            line.add(name) { inner in
                for entry in read(value) { inner.add(entry.name, entry.count) }
            }
        }
    }

    /// An array of objects of another shape; left out if nil.
    public static func optionalObjects<Other>(
        _ name: String, _ shape: JSONShape<Other>, _ help: String, _ read: @escaping @Sendable (Value) -> [Other]?
    ) -> JSONField {
        JSONField(name, .list(.object(shape.name)), always: false, help) { value, line in
            guard let items = read(value) else { return }
            line.add(name, items) { inner, item in shape.write(item, to: &inner) }
        }
    }

    /// The word `true`, in every object: it tells this object from others that the command prints.
    public static func mark(_ name: String, _ help: String) -> JSONField {
        JSONField(name, .boolean, always: true, help) { $1.add(name, true) }
    }

    /// The same field of a value that contains this one; left out if there is none.
    public func of<Outer>(_ read: @escaping @Sendable (Outer) -> Value?) -> JSONField<Outer> {
        let write = write
        let name = description.name
        return JSONField<Outer>(name, description.kind, always: description.isAlways, description.help) { outer, line in
            if let value = read(outer) { write(value, &line) }
        }
    }

    /// The same field under a description that says that an object may lack it.
    public var optional: JSONField {
        JSONField(description.name, description.kind, always: false, description.help, write: write)
    }
}

extension [[UInt8]] {
    /// A JSON array of values that are JSON already.
    public var jsonArray: [UInt8] {
        [UInt8(ascii: "[")] + joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
    }
}
