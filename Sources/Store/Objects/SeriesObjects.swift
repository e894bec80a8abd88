public import Catalog
public import JSON

extension Shapes {
    /// One hour or day of one tag.
    public static let seriesPoint = JSONShape<SeriesPoint>(
        "SeriesPoint", "What happened to one tag in one hour or day.",
        [
            .time("time", "when the hour or day began") { $0.time },
            .optionalText("tag", "the tag") { $0.tag },
            .integer("sessions", "sessions that ended in it") { $0.sessions },
            .integer("crashed", "those of them that have one of the selected crashes") { $0.crashed },
            .integer("crashes", "the selected crashes that happened in it") { $0.crashes },
        ])
}
