import CrashAnalysis
import LogSearch
import LogTime
public import Pack

/// Reads the times and the crash anchors of a block of text while its bytes are in the cache of a compressing thread.
public struct LogInspector: BlockInspector {
    /// When the session began, in milliseconds since 1970; where stamps lack a year or a day.
    let sessionStart: Int64

    /// An inspector of the logs of a session that began then, in milliseconds since 1970.
    public init(sessionStart: Int64) { self.sessionStart = sessionStart }

    /// The times and anchors of a piece of text.
    public func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockFacts {
        guard context.kind.isText else { return BlockFacts() }
        var facts = BlockFacts()
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
