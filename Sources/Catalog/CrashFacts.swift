internal import Foundation

/// The fields of a crash record that the catalog orders and groups by. The record itself is kept as it is; a field of
/// an unexpected type is taken for absent, so that a pack of a later version can still be indexed.
struct CrashFacts: Decodable {
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

    private enum Key: String, CodingKey {
        case crash
        case kind
        case signal
        case exception
        case thread
        case threadName = "thread_name"
        case signature
        case quality = "signature_quality"
        case stackHash = "stack_hash"
        case time
    }

    private init() {}

    /// Reads what it can; bytes that are not a JSON object give no fields at all.
    init(json: [UInt8]) { self = (try? JSONDecoder().decode(CrashFacts.self, from: Data(json))) ?? CrashFacts() }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        func text(_ key: Key) -> String? {
            guard fields.contains(key) else { return nil }
            return (try? fields.decode(LenientText.self, forKey: key))?.text
        }
        id = text(.crash)
        kind = text(.kind)
        signal = text(.signal)
        exception = text(.exception)
        thread = text(.threadName) ?? text(.thread)
        signature = text(.signature)
        quality = text(.quality)
        stackHash = text(.stackHash)
        time = (try? fields.decode(Int64.self, forKey: .time)) ?? text(.time).flatMap(Self.milliseconds)
    }

    /// ISO-8601 in UTC, with or without a fraction of the second.
    private static func milliseconds(_ text: String) -> Int64? {
        let date =
            (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle()))
        return date.flatMap { Int64(exactly: ($0.timeIntervalSince1970 * 1000).rounded()) }
    }

    /// Text, a number as text, or an object's `name`.
    private struct LenientText: Decodable {
        var text: String?

        private enum Key: String, CodingKey { case name }

        init(from decoder: any Decoder) throws {
            if let named = try? decoder.container(keyedBy: Key.self) {
                text = try? named.decode(String.self, forKey: .name)
                return
            }
            let value = try decoder.singleValueContainer()
            text = (try? value.decode(String.self)) ?? (try? value.decode(Int64.self)).map { String($0) }
        }
    }
}
