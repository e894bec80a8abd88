import Calendar
import Catalog
import Store
import Text

/// Crashes by build and day, as a table whose cells are darker where there are more. Each cell has its number, too.
enum HeatTable {
    /// Builds that get a line.
    private static let mostBuilds = 12

    /// The values of the table; nil without crashes.
    static func model(_ series: [SeriesPoint]) -> PageModel? {
        let points = series.filter { $0.crashes > 0 }.map { ($0, CivilDate.days(ofMilliseconds: $0.time)) }
        guard let first = points.map(\.1).min(), let last = points.map(\.1).max(), last - first < 400 else {
            return nil
        }
        let days = Array(max(first, last - 20)...last)
        var byTag: ByteDictionary<[Int: Int]> = [:]
        for (point, day) in points {
            byTag[point.tag ?? "", default: [:]][day, default: 0] &+= point.crashes
        }
        let most = byTag.values.flatMap(\.values).max() ?? 0
        let tags = byTag.sorted { left, right in
            let (newest, other) = (left.value.keys.max() ?? 0, right.value.keys.max() ?? 0)
            return newest == other ? right.key.precedesInBytes(left.key) : newest > other
        }
        let rows = tags.prefix(mostBuilds).map { tag, counts -> PageModel in
            [
                "tag": .text(tag.isEmpty ? "no tag" : tag, most: 60),
                "total": .number(counts.values.reduce(0, &+)),
                "cells": .list(
                    days.map { day in
                        let count = counts[day] ?? 0
                        return ["cell": .text(count == 0 ? "" : String(count)), "level": .number(level(count, most))]
                    }),
            ]
        }
        let more = tags.count > mostBuilds ? " \(counted(tags.count - mostBuilds, "older build")) not shown." : ""
        return [
            "heatCaption": .text("Crashes per day (UTC).\(more)"), "heatRows": .list(rows),
            "days": .list(days.map { ["day": .shown(String(CivilDate(daysSince1970: $0).text().suffix(5)))] }),
        ]
    }

    /// How dark a cell is, from 0 to 3.
    private static func level(_ count: Int, _ most: Int) -> Int {
        guard count > 0, most > 0 else { return 0 }
        return min(3, 1 + count * 3 / (most + 1))
    }
}
