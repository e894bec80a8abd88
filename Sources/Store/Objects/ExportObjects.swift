import CrashExport
import JSON

extension Shapes {
    /// What happened to a session's crashes at services outside, and why that cannot be read.
    static func exports<Value>(_ read: @escaping @Sendable (Value) -> SessionExports) -> [JSONField<Value>] {
        [
            .optionalObjects("exports", ExportEntry.shape, "its crashes that were sent to services outside, or wait") {
                let entries = read($0).entries
                return entries.isEmpty ? nil : entries
            },
            .optionalText("exports_error", "why that cannot be read") { read($0).problem?.message },
        ]
    }
}
