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
    /// Values that are parts of the others, drawn over them.
    var parts: [Double] = []
    /// Words below the strip: its start, and others at equal distances up to its end. A strip with words is as wide as the
    /// page.
    var marks: [String] = []

    static func == (left: BarStrip, right: BarStrip) -> Bool { left.model == right.model }

    /// The values of the partial `chart`.
    var model: PageModel {
        let width = max(1, values.count) * step
        var base = ""
        var start: Int?
        for place in 0...values.count {
            if place < values.count, values[place] != nil {
                if start == nil { start = place }
            } else if let first = start {
                base += "M\(first * step) \(height)h\((place - first) * step)"
                start = nil
            }
        }
        var model: PageModel = [
            "chartClass": .shown(marks.isEmpty ? "spark" : "chart"), "width": .number(width),
            "height": .number(height), "chartLabel": .text(label), "basePath": .shown(base),
            "hasMarks": .flag(!marks.isEmpty), "marks": .list(marks.map { ["markText": .text($0)] }),
        ]
        for (name, values) in [("barPath", values), ("overPath", parts)] {
            let path = bars(values)
            if !path.isEmpty { model[name] = .one(["path": .shown(path)]) }
        }
        return model
    }

    /// The bars as a path.
    private func bars(_ values: [Double?]) -> String {
        var path = ""
        for (place, value) in values.enumerated() {
            guard let value, most > 0, value.isFinite, value > 0 else { continue }
            // A bar above nothing is never invisible.
            let tall = max(2, Int((min(1, value / most) * Double(height - 1)).rounded()))
            path += "M\(place * step) \(height)v-\(tall)h\(step - 1)v\(tall)z"
        }
        return path
    }
}
