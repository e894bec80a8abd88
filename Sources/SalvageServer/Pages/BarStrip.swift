/// A small bar chart as an SVG path: one bar for each place, all on one scale.
struct BarStrip: Sendable, Equatable {
    /// The values in order; nil where nothing is known, which leaves a gap in the base line.
    let values: [Double?]
    /// The value of a full bar; bars of several strips that share it can be compared.
    let most: Double
    /// What it shows, a sentence for those who cannot see it.
    let label: String
    /// The width of a bar with its gap, in pixels.
    var step = 6
    /// The height, in pixels.
    var height = 22
    /// Words below the strip, at their places.
    var marks: [(place: Int, text: String)] = []

    /// The space of a mark's words, in pixels.
    private static let markWidth = 76

    static func == (left: BarStrip, right: BarStrip) -> Bool { left.model == right.model }

    /// The values of the partial `chart`.
    var model: PageModel {
        let width = max(1, values.count) * step
        let below = marks.isEmpty ? 0 : 14
        var bars = ""
        var base = ""
        for (place, value) in values.enumerated() {
            guard let value else { continue }
            let x = place * step
            base += "M\(x) \(height)h\(step)"
            let share = most > 0 && value.isFinite ? min(1, max(0, value / most)) : 0
            guard share > 0 else { continue }
            // A bar above nothing is never invisible.
            let tall = max(2, Int((share * Double(height - 1)).rounded()))
            bars += "M\(x) \(height)v-\(tall)h\(step - 1)v\(tall)z"
        }
        var model: PageModel = [
            "chartClass": .shown(marks.isEmpty ? "spark" : "chart"), "width": .number(width),
            "height": .number(height + below), "chartLabel": .text(label), "basePath": .shown(base),
        ]
        if !bars.isEmpty { model["barPath"] = .one(["path": .shown(bars)]) }
        // Words that would lie on others are left out.
        var free = 0
        let shown = marks.filter { mark in
            let isLate = mark.place * step > width * 3 / 4
            let start = mark.place * step - (isLate ? Self.markWidth : 0)
            guard start >= free else { return false }
            free = start + Self.markWidth
            return true
        }
        model["marks"] = .list(
            shown.map { mark in
                let isLate = mark.place * step > width * 3 / 4
                return [
                    "x": .number(min(width, mark.place * step)), "y": .number(height + 12),
                    "anchor": .shown(isLate ? "end" : "start"), "markText": .text(mark.text),
                ]
            })
        return model
    }
}
