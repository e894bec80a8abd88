import Pack
import Synchronization

/// Records the newest time in a session's logs while ``LogInspector`` reads them, for a session without any other end
/// time.
///
/// Ignores times before 2000, which come from unset clocks or stamps without a date, and times after `now`, which is in
/// milliseconds since 1970.
final class LogEnd: BlockInspector {
    private let inspector: LogInspector
    private let now: Int64
    private let seen = Mutex<Int64?>(nil)

    private static let earliest: Int64 = 946_684_800_000

    init(_ inspector: LogInspector, now: Int64) {
        self.inspector = inspector
        self.now = now
    }

    /// The newest time so far, in milliseconds since 1970.
    var newest: Int64? { seen.withLock { $0 } }

    func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockInspection {
        let facts = inspector.inspect(bytes, context)
        if let time = facts.maxTime, time >= Self.earliest, time <= now {
            seen.withLock { $0 = max($0 ?? time, time) }
        }
        return facts
    }
}
