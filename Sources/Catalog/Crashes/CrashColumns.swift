import Calendar
import JSON

/// The fields of a crash record that the catalog sorts and groups by. A field of an unexpected type is treated as
/// absent, so that packs of a later version can be indexed.
///
/// Only the outermost object is read: the thousands of bytes of frames and modules in a record are skipped without
/// decoding, so that the disk bounds a reindex of 100,000 crashes.
struct CrashColumns: Equatable {
    var id: String?
    var kind: String?
    var signal: String?
    var exception: String?
    var thread: String?
    var signature: String?
    var quality: String?
    var stackHash: String?
    /// Milliseconds since 1970.
    var time: Int64?

    /// Reads the known fields; bytes that are not a JSON object yield none, a damaged object those before the damage.
    ///
    /// - Parameter replacesNUL: whether a NUL becomes U+FFFD, for an engine that cannot store it: a game that wrote one into its
    ///   log must not keep its session out of the catalog. The record itself is stored as it is.
    init(json: [UInt8], replacesNUL: Bool = false) {
        json.withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            try? read(&cursor)
        }
        guard replacesNUL else { return }
        for field in [
            \Self.id, \.kind, \.signal, \.exception, \.thread, \.signature, \.quality, \.stackHash,
        ] { self[keyPath: field] = self[keyPath: field].map(Self.withoutNUL) }
    }

    /// The text with each NUL replaced by U+FFFD.
    static func withoutNUL(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { scalars.append(scalar.value == 0 ? "\u{FFFD}" : scalar) }
        return String(scalars)
    }

    private mutating func read(_ cursor: inout JSONCursor) throws(JSONFault) {
        let scratch = JSONScratch()
        var number: String?
        defer { thread = thread ?? number }
        try cursor.eachMember(depth: 0) { (key, cursor) throws(JSONFault) in
            let value = try Self.text(&cursor, depth: 1, scratch)
            switch (try? cursor.text(key, in: scratch)) ?? "" {
            case "crash": id = id ?? value
            case "kind": kind = kind ?? value
            case "signal": signal = signal ?? value
            case "exception": exception = exception ?? value
            case "thread": number = number ?? value
            case "thread_name": thread = thread ?? value
            case "signature": signature = signature ?? value
            case "signature_quality": quality = quality ?? value
            case "stack_hash": stackHash = stackHash ?? value
            case "time": time = time ?? value.flatMap { Int64($0) ?? ISO8601.milliseconds($0) }
            default: break
            }
        }
    }

    /// Moves past a value and returns it as text: a string unescaped, a number as written, an object as the text of its
    /// `name`; nil for anything else.
    private static func text(
        _ cursor: inout JSONCursor, depth: Int, _ scratch: JSONScratch
    ) throws(JSONFault) -> String? {
        switch try cursor.token() {
        case UInt8(ascii: "\""):
            let span = try cursor.string()
            return try? cursor.text(span, in: scratch)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return cursor.source(try cursor.number())
        // One level only, to bound the recursion.
        case UInt8(ascii: "{") where depth == 1:
            var name: String?
            try cursor.eachMember(depth: depth) { (key, cursor) throws(JSONFault) in
                if name == nil, cursor.matches(key, "name", in: scratch) {
                    name = try text(&cursor, depth: depth + 1, scratch)
                } else {
                    try cursor.skipValue(depth: depth + 1)
                }
            }
            return name
        default:
            try cursor.skipValue(depth: depth)
            return nil
        }
    }
}
