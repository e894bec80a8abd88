internal import Calendar

/// Which objects of filters are to be made one now.
///
/// Segments become slices once their hour is over, or when many wait; the slices of a day become one when the day is over.
/// A query then reads few objects. Pure: the same objects and time give the same plan.
public struct CompactionPlan: Sendable, Equatable {
    /// Objects that become one.
    public struct Step: Sendable, Equatable {
        /// The objects, oldest first. All have the same arrangement: records, or slices.
        public var inputs: [FilterObject]
        /// The arrangement of the new object.
        public var level: FilterLevel
        /// The day of all of them, in days since 1970.
        public var day: Int

        /// The total size of the inputs in bytes.
        public var bytes: UInt64 { inputs.reduce(0) { $0 &+ $1.bytes } }
    }

    /// The bounds of what one step does.
    public struct Limits: Sendable, Equatable {
        /// Segments that are sliced before their hour is over.
        public var mostWaiting = 64
        /// Most bytes of records that are sliced at once, which takes three times as much memory.
        public var mostSegmentBytes: UInt64 = 192 << 20
        /// Most bytes of slices that become one, on disk.
        public var mostSliceBytes: UInt64 = 8 << 30
        /// How long after the end of an hour or a day its objects are compacted, in milliseconds: machines' clocks differ.
        public var delay: Int64 = 120_000

        /// The default bounds.
        public init() {}
    }

    /// What is due, oldest first.
    public private(set) var steps: [Step] = []
    /// Bytes of objects that will be compacted at some time.
    public private(set) var debt: UInt64 = 0

    /// Plans.
    ///
    /// - Parameters:
    ///   - objects: all objects in use.
    ///   - now: milliseconds since 1970.
    public init(_ objects: [FilterObject], now: Int64, _ limits: Limits = Limits()) {
        let days = Dictionary(grouping: objects, by: \.day).sorted { $0.key < $1.key }
        for (day, objects) in days {
            let sorted = objects.sorted { $0.key < $1.key }
            let segments = sorted.filter { $0.level == .segment }
            planSegments(segments, day, now, limits)
            let slices = sorted.filter { $0.level == .hour } + sorted.filter { $0.level == .day }
            if Self.start(ofDay: day &+ 1) &+ limits.delay <= now, segments.isEmpty {
                planSlices(slices, day, limits)
            }
            debt = (segments + sorted.filter { $0.level == .hour }).reduce(debt) { $0 &+ $1.bytes }
        }
    }

    private static func start(ofDay day: Int) -> Int64 { Int64(day) &* CivilDate.millisecondsPerDay }

    private mutating func planSegments(_ segments: [FilterObject], _ day: Int, _ now: Int64, _ limits: Limits) {
        var due: [FilterObject] = []
        var rest: [FilterObject] = []
        for segment in segments {
            let hour = FilterKey.hour(of: segment.key) ?? 0
            let end = Self.start(ofDay: day) &+ Int64(hour + 1) &* 3_600_000 &+ limits.delay
            if end <= now { due.append(segment) } else { rest.append(segment) }
        }
        if rest.count >= limits.mostWaiting || rest.reduce(0, { $0 &+ $1.bytes }) >= limits.mostSegmentBytes {
            due += rest
        }
        append(due, .hour, day, most: limits.mostSegmentBytes)
    }

    private mutating func planSlices(_ slices: [FilterObject], _ day: Int, _ limits: Limits) {
        // Large slices of the day stay as they are.
        let small = slices.filter { $0.level == .hour || $0.bytes < limits.mostSliceBytes / 2 }
        guard small.count > 1 || small.contains(where: { $0.level == .hour }) else { return }
        append(small, .day, day, most: limits.mostSliceBytes)
    }

    /// Adds steps of at most so many bytes; one object alone may have more.
    private mutating func append(_ inputs: [FilterObject], _ level: FilterLevel, _ day: Int, most: UInt64) {
        var step = Step(inputs: [], level: level, day: day)
        for input in inputs {
            if !step.inputs.isEmpty, step.bytes &+ input.bytes > most {
                take(step)
                step.inputs = []
            }
            step.inputs.append(input)
        }
        take(step)
    }

    private mutating func take(_ step: Step) {
        // A slice of the day alone is what it would become.
        guard !step.inputs.isEmpty, step.inputs.count > 1 || step.inputs[0].level < step.level else { return }
        steps.append(step)
    }
}
