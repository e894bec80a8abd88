import JSON
import Text

/// Reads one entry of the session list from bytes that hold all of it.
///
/// It accepts the same input as `SessionEntry.init(from:)` with `JSONDecoder` and gives the same result.
struct SessionEntryReader {
    /// The fields of an entry. Of fields with the same name, the first is used.
    private enum Field: UInt16 {
        case id = 1
        case image = 2
        case tag = 4
        case location = 8
        case host = 16
        case created = 32
        case port = 64
        case status = 128
        case labels = 256
        case playerCount = 512
    }

    private let scratch = JSONScratch()
    private var interner = StringInterner()
    private var labelReader: LabelTextReader

    init(keepsEnvironment: Bool = false) { labelReader = LabelTextReader(keepsEnvironment: keepsEnvironment) }

    /// What was wrong with the JSON text inside the labels of the last entry read; nil when it was valid.
    var labelDamage: StaticString? { labelReader.damage }

    /// Reads one element of the list and moves past it. Nil when it is not an object or has no usable id.
    mutating func read(_ cursor: inout JSONCursor, depth: Int) throws(JSONFault) -> SessionEntry? {
        labelReader.damage = nil
        guard try cursor.token() == UInt8(ascii: "{") else {
            try cursor.skipValue(depth: depth)
            return nil
        }
        var entry = SessionEntry(id: "")
        var seen: UInt16 = 0
        if try cursor.enter(closing: UInt8(ascii: "}"), depth: depth) {
            repeat {
                let key = try cursor.key()
                guard let field = try field(key, cursor), seen & field.rawValue == 0 else {
                    try cursor.skipValue(depth: depth + 1)
                    continue
                }
                seen |= field.rawValue
                try take(field, &cursor, into: &entry, depth: depth + 1)
            } while try cursor.another(closing: UInt8(ascii: "}"))
        }
        guard !entry.id.isEmpty else { return nil }
        entry.fillFromPlatformLabels()
        return entry
    }

    private mutating func take(
        _ field: Field, _ cursor: inout JSONCursor, into entry: inout SessionEntry, depth: Int
    ) throws(JSONFault) {
        switch field {
        case .id: entry.id = try text(&cursor, depth, shared: false) ?? ""
        case .image: entry.image = try text(&cursor, depth) ?? ""
        case .tag: entry.tag = try text(&cursor, depth)
        case .location: entry.location = try text(&cursor, depth) ?? ""
        case .host: entry.host = try text(&cursor, depth)
        case .created: entry.created = try number(&cursor, depth).flatMap(WireNumber.milliseconds)
        case .status: entry.status = try text(&cursor, depth).map(SessionStatus.init(rawValue:))
        case .playerCount: entry.playerCount = try number(&cursor, depth).flatMap(WireNumber.count)
        case .port: entry.ports = try ports(&cursor, depth)
        case .labels: entry.labels = try labels(&cursor, depth)
        }
    }

    /// The field that a key names; nil for unknown keys. Checks the key's UTF-8 as `JSONDecoder` does.
    @inline(__always)
    private func field(_ key: JSONStringSpan, _ cursor: JSONCursor) throws(JSONFault) -> Field? {
        let bytes = try cursor.unescaped(key, in: scratch)
        switch bytes.count {
        case 2: if bytes.matches("id") { return .id }
        case 3: if bytes.matches("tag") { return .tag }
        case 4:
            if bytes.matches("host") { return .host }
            if bytes.matches("port") { return .port }
        case 5: if bytes.matches("image") { return .image }
        case 6:
            if bytes.matches("status") { return .status }
            if bytes.matches("labels") { return .labels }
        case 7: if bytes.matches("created") { return .created }
        case 8: if bytes.matches("location") { return .location }
        case 11: if bytes.matches("playerCount") { return .playerCount }
        default: break
        }
        guard bytes.isUTF8 else { throw .malformed("not UTF-8", at: key.start) }
        return nil
    }

    /// Reads a string; nil when the value is of another type.
    @inline(__always)
    private mutating func text(_ cursor: inout JSONCursor, _ depth: Int, shared: Bool = true) throws(JSONFault)
        -> String?
    {
        guard try cursor.token() == UInt8(ascii: "\"") else {
            try cursor.skipValue(depth: depth)
            return nil
        }
        let span = try cursor.string()
        let bytes = try cursor.unescaped(span, in: scratch)
        guard let text = shared ? interner.string(bytes) : String(utf8: bytes) else {
            throw .malformed("not UTF-8", at: span.start)
        }
        return text
    }

    /// Reads a number; nil when the value is of another type.
    @inline(__always)
    private func number(_ cursor: inout JSONCursor, _ depth: Int) throws(JSONFault) -> Double? {
        switch try cursor.token() {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try cursor.double(try cursor.number())
        default:
            try cursor.skipValue(depth: depth)
            return nil
        }
    }

    private mutating func ports(_ cursor: inout JSONCursor, _ depth: Int) throws(JSONFault) -> [SessionPort] {
        guard try cursor.token() == UInt8(ascii: "{") else {
            try cursor.skipValue(depth: depth)
            return []
        }
        guard try cursor.enter(closing: UInt8(ascii: "}"), depth: depth) else { return [] }
        var pairs: [KeyedPair<Int?>] = []
        repeat {
            let key = try cursor.key()
            guard let name = interner.string(try cursor.unescaped(key, in: scratch)) else {
                throw .malformed("not UTF-8", at: key.start)
            }
            var value: Double?
            switch try cursor.token() {
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                let span = try cursor.number()
                do throws(JSONFault) {
                    value = try cursor.double(span)
                } catch {
                    // Only the first value of a name is used, so only its errors count.
                    guard KeyedPair.holds(name, in: pairs) else { throw error }
                }
            default: try cursor.skipValue(depth: depth + 1)
            }
            pairs.append(KeyedPair(key: name, value: value.flatMap(WireNumber.port)))
        } while try cursor.another(closing: UInt8(ascii: "}"))
        return KeyedPair.firstOfEach(pairs).compactMap { pair in
            pair.value.map { SessionPort(name: pair.key, host: $0) }
        }
    }

    private mutating func labels(_ cursor: inout JSONCursor, _ depth: Int) throws(JSONFault) -> SessionLabels {
        guard try cursor.token() == UInt8(ascii: "{") else {
            try cursor.skipValue(depth: depth)
            return SessionLabels()
        }
        guard try cursor.enter(closing: UInt8(ascii: "}"), depth: depth) else { return SessionLabels() }
        var builder = SessionLabelsBuilder()
        repeat {
            let key = try cursor.key()
            let keyBytes = try cursor.unescaped(key, in: scratch)
            let name: SessionLabelsBuilder.Name
            if let known = SessionLabelsBuilder.Known(keyBytes) {
                name = .known(known)
            } else if let text = interner.string(keyBytes) {
                name = .other(text)
            } else {
                throw .malformed("not UTF-8", at: key.start)
            }
            guard try cursor.token() == UInt8(ascii: "\"") else {
                try cursor.skipValue(depth: depth + 1)
                builder.take(name, nil, using: &labelReader)
                continue
            }
            let span = try cursor.string()
            do throws(JSONFault) {
                let bytes = try cursor.unescaped(span, in: scratch)
                guard bytes.isUTF8 else { throw .malformed("not UTF-8", at: span.start) }
                builder.take(name, bytes, using: &labelReader)
            } catch {
                // Only the first value of a name is used, so only its errors count.
                guard builder.contains(name) else { throw error }
            }
        } while try cursor.another(closing: UInt8(ascii: "}"))
        return builder.finish()
    }
}
