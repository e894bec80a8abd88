import CrashAnalysis
import LogTime
public import Pack

/// Finds the times and the crash anchors in a block of text while its bytes are in the cache of a compressing thread.
public struct LogInspector: BlockInspector {
    /// When the session began, in milliseconds since 1970; completes stamps without a year or day.
    let sessionStart: Int64

    /// Makes an inspector for the logs of a session that began at `sessionStart`, in milliseconds since 1970.
    public init(sessionStart: Int64) { self.sessionStart = sessionStart }

    /// Returns the times and anchors in a block of text.
    public func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockInspection {
        guard context.kind.isText else { return BlockInspection() }
        var facts = BlockInspection()
        facts.anchors = TextCrashScanner.shared.scan(bytes).map { anchor in
            BlockAnchor(offset: UInt32(clamping: anchor.offset), id: anchor.id)
        }
        guard let format = TimeFormat(rawValue: context.timeFormat), format != .none else { return facts }
        let reader = TimeReader(
            format: format,
            context: TimeContext(sessionStart: sessionStart, counterStart: context.counterStart))
        guard let range = reader.range(of: bytes) else {
            facts.startsUntimed = true
            return facts
        }
        facts.minTime = range.min
        facts.maxTime = range.max
        facts.lastTime = reader.last(of: bytes)
        facts.startsUntimed = reader.stamp(of: bytes) == nil
        return facts
    }
}
