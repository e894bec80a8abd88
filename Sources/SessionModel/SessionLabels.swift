import JSON
public import Text

/// The `labels` of a session, without secrets by default.
///
/// The API sends three maps as JSON text inside strings: `tags` (the labels given at session-run), `gameye` (set by the
/// platform) and `env` (the container's environment, secrets included). The environment is dropped during decoding
/// except `GAMEYE_SESSION_ID`, unless the reader is configured to keep it. Every other key is a raw label of the image.
public struct SessionLabels: Sendable, Equatable {
    /// The user's labels, from the JSON text in `tags`. Numbers, booleans and nested values keep their JSON text.
    public var tags: LabelSet
    /// The platform's labels, from the JSON text in `gameye`: organization, session, image, region, tag.
    public var platform: LabelSet
    /// Every other label, unchanged; also `tags` and `gameye` when their text is not a JSON object.
    public var other: LabelSet
    /// `GAMEYE_SESSION_ID` from the container's environment, the only variable that is always kept.
    public var environmentSessionID: String?
    /// The container's environment, from the JSON text in `env`. It often holds secrets, so it is empty unless the
    /// reader keeps it: `SessionAPIClient.Configuration.keepsEnvironment`,
    /// ``SessionListDecoder/init(maximumValue:keepsEnvironment:)`` or `CodingUserInfoKey.keepsSessionEnvironment`.
    public var environment: LabelSet

    /// Creates labels.
    public init(
        tags: LabelSet = [:], platform: LabelSet = [:], other: LabelSet = [:], environmentSessionID: String? = nil,
        environment: LabelSet = [:]
    ) {
        self.tags = tags
        self.platform = platform
        self.other = other
        self.environmentSessionID = environmentSessionID
        self.environment = environment
    }

    /// The user's labels and `GAMEYE_SESSION_ID` if known: what may be stored and printed. Never ``environment``.
    public var user: ByteDictionary<String> {
        var labels = tags.dictionary
        if let environmentSessionID { labels[Self.sessionIDKey] = environmentSessionID }
        return labels
    }

    static let sessionIDKey = "GAMEYE_SESSION_ID"
}

/// Collects a session's labels while they are read. Of labels with the same key, the first is used.
struct SessionLabelsBuilder {
    /// The labels that hold JSON text.
    enum Known: UInt8 {
        case env = 1
        case tags = 2
        case gameye = 4

        /// The known label with this name; nil for any other.
        @inline(__always)
        init?(_ name: UnsafeRawBufferPointer) {
            if name.count == 3, name.matches("env") {
                self = .env
            } else if name.count == 4, name.matches("tags") {
                self = .tags
            } else if name.count == 6, name.matches("gameye") {
                self = .gameye
            } else {
                return nil
            }
        }

        var name: String {
            switch self {
            case .env: "env"
            case .tags: "tags"
            case .gameye: "gameye"
            }
        }
    }

    /// The name of a label.
    enum Name {
        case known(Known)
        case other(String)

        init(_ text: String) {
            var copy = text
            let known = copy.withUTF8 { Known(UnsafeRawBufferPointer($0)) }
            self = known.map { .known($0) } ?? .other(text)
        }
    }

    private var labels = SessionLabels()
    private var seen: UInt8 = 0
    private var other: [KeyedPair<String?>] = []

    /// True when a label of this name was added.
    func contains(_ name: Name) -> Bool {
        switch name {
        case .known(let known): seen & known.rawValue != 0
        case .other(let key): KeyedPair.holds(key, in: other)
        }
    }

    /// Adds one label; `text` is nil when its value is not a string.
    mutating func take(_ name: Name, _ text: UnsafeRawBufferPointer?, using reader: inout LabelTextReader) {
        switch name {
        case .other(let key):
            other.append(KeyedPair(key: key, value: text.flatMap { reader.string($0) }))
        case .known(let known):
            guard seen & known.rawValue == 0 else { return }
            seen |= known.rawValue
            if let text { take(known, text, using: &reader) }
        }
    }

    private mutating func take(_ known: Known, _ text: UnsafeRawBufferPointer, using reader: inout LabelTextReader) {
        switch known {
        case .env:
            labels.environmentSessionID = reader.sessionID(inEnvironment: text)
            if reader.keepsEnvironment { labels.environment = reader.labels(text) ?? [:] }
        case .tags:
            if let read = reader.labels(text) { labels.tags = read } else { keepRaw(known.name, text) }
        case .gameye:
            if let read = reader.labels(text) { labels.platform = read } else { keepRaw(known.name, text) }
        }
    }

    private mutating func keepRaw(_ key: String, _ text: UnsafeRawBufferPointer) {
        other.append(KeyedPair(key: key, value: String(utf8: text)))
    }

    /// Returns the collected labels.
    consuming func finish() -> SessionLabels {
        labels.other = LabelSet(read: other)
        return labels
    }
}

/// Reads the JSON text inside a label. One bad value does not lose the others: invalid text and values are replaced,
/// and if the structure is broken, the members before that point are kept.
struct LabelTextReader {
    private let scratch = JSONScratch()
    private var interner = StringInterner()
    /// Whether the container's environment is kept.
    let keepsEnvironment: Bool
    /// The first error in the texts read since this was set to nil; nil when all were valid JSON.
    var damage: StaticString?

    init(keepsEnvironment: Bool = false) { self.keepsEnvironment = keepsEnvironment }

    /// Returns the string of these bytes, shared with earlier ones where possible; nil when they are not UTF-8.
    mutating func string(_ bytes: UnsafeRawBufferPointer) -> String? { interner.string(bytes) }

    /// Returns the members of a JSON object as labels, without nulls; nil when the text is not a JSON object, not even
    /// a damaged one.
    mutating func labels(_ text: UnsafeRawBufferPointer) -> LabelSet? {
        guard Self.isObject(text) else { return nil }
        var found: [KeyedPair<String?>] = []
        if let fault = members(text, into: &found) {
            found.removeAll(keepingCapacity: true)
            let broken = JSONMender(text).output.withUnsafeBytes { members($0, into: &found) }
            // Just a text in braces, not damaged JSON.
            if broken != nil, found.isEmpty { return nil }
            damage = damage ?? fault.reason
        }
        return LabelSet(read: found)
    }

    /// Reads members until the object ends, or returns the fault that stopped it.
    private mutating func members(_ text: UnsafeRawBufferPointer, into found: inout [KeyedPair<String?>]) -> JSONFault?
    {
        do throws(JSONFault) {
            var cursor = JSONCursor(text, acceptsTrailingComma: true)
            found.reserveCapacity(8)
            _ = try cursor.token()
            if try cursor.enter(closing: UInt8(ascii: "}"), depth: 0) {
                repeat {
                    let key = try cursor.key()
                    guard let name = interner.string(try cursor.unescaped(key, in: scratch)) else {
                        return .malformed("not UTF-8", at: key.start)
                    }
                    found.append(KeyedPair(key: name, value: try value(&cursor)))
                } while try cursor.another(closing: UInt8(ascii: "}"))
            }
            guard cursor.atEnd() else { return .malformed("something follows the labels", at: cursor.position) }
            return nil
        } catch {
            return error
        }
    }

    private static func isObject(_ text: UnsafeRawBufferPointer) -> Bool {
        var cursor = JSONCursor(text, acceptsTrailingComma: true)
        do throws(JSONFault) { return try cursor.token() == UInt8(ascii: "{") } catch { return false }
    }

    /// Returns the session id in a container's environment. Reading stops there and nothing else is kept.
    mutating func sessionID(inEnvironment text: UnsafeRawBufferPointer) -> String? {
        guard Self.isObject(text) else { return nil }
        switch environmentID(text) {
        case .success(let id): return id
        case .failure(let fault):
            damage = damage ?? fault.reason
            let mended = JSONMender(text).output.withUnsafeBytes { environmentID($0) }
            return (try? mended.get()) ?? nil
        }
    }

    private func environmentID(_ text: UnsafeRawBufferPointer) -> Result<String?, JSONFault> {
        do throws(JSONFault) {
            var cursor = JSONCursor(text, acceptsTrailingComma: true)
            _ = try cursor.token()
            guard try cursor.enter(closing: UInt8(ascii: "}"), depth: 0) else { return .success(nil) }
            repeat {
                let key = try cursor.unescaped(try cursor.key(), in: scratch)
                guard SessionLabels.sessionIDKey.hasBytes(key) else {
                    try cursor.skipValue(depth: 1)
                    continue
                }
                guard try cursor.token() == UInt8(ascii: "\"") else { return .success(nil) }
                return .success(String(utf8: try cursor.unescaped(try cursor.string(), in: scratch)))
            } while try cursor.another(closing: UInt8(ascii: "}"))
            return .success(nil)
        } catch {
            return .failure(error)
        }
    }

    private mutating func value(_ cursor: inout JSONCursor) throws(JSONFault) -> String? {
        switch try cursor.token() {
        case UInt8(ascii: "\""):
            guard let text = interner.string(try cursor.unescaped(try cursor.string(), in: scratch)) else {
                throw .malformed("not UTF-8", at: cursor.position)
            }
            return text
        case UInt8(ascii: "n"):
            try cursor.literal("null")
            return nil
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let span = try cursor.number()
            try cursor.checkNumber(span)
            return cursor.source(span)
        default:
            let start = cursor.position
            try cursor.skipValue(depth: 1)
            guard let text = cursor.source(start..<cursor.position) else {
                throw .malformed("not UTF-8", at: start)
            }
            return text
        }
    }
}
