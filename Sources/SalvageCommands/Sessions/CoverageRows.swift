import Catalog
import JSON
import Model
import Pack
import Store
import Terminal
import Text

extension CoverageGap: Row {
    static var columns: [Column] {
        [
            "SESSION", "ARTIFACT", "STATE", .number("STATUS"), .number("TRIES"), .number("SIZE"), "LAST TRY", "REASON",
        ]
    }

    var cells: [Table.Cell] {
        let dress = entry.map { StateText.dress($0.state) } ?? StateText.dress(state)
        let words = (entry == nil ? reason : entry?.reason).map { Escape.display($0) } ?? "-"
        let identifier = entry?.identifier.map { " [\(Escape.display($0))]" } ?? ""
        return [
            Table.Cell(Escape.display(session)) { $0.cyan($1) },
            Table.Cell(entry.map { Escape.display($0.artifact) } ?? "-"),
            Table.Cell(entry?.state.rawValue ?? state.rawValue, dress),
            Table.Cell(entry?.status.map { "\($0)" } ?? "-"),
            Table.Cell(entry.map { "\($0.tries)" } ?? "-"),
            Table.Cell(entry.map { SizeText.binary($0.bytes) } ?? "-"),
            Table.Cell(entry?.lastTry.map { TimeText.table($0) } ?? "-"),
            Table.Cell(words + identifier),
        ]
    }

    var json: [UInt8] { Shapes.gap.line(self).utf8 }
}

extension Coverage {
    /// Writes the totals.
    func write(to output: Output) {
        let counts = SessionState.allCases.compactMap { state in
            sessions[state].map { StateText.dress(state)(output.style, "\($0) \(state.rawValue)") }
        }
        let fates = ArtifactState.allCases.compactMap { state in
            artifacts[state].map { StateText.dress(state)(output.style, "\($0) \(state.rawValue)") }
        }
        output.text("sessions   \(counts.joined(separator: ", "))")
        output.text("artifacts  \(fates.isEmpty ? "none" : fates.joined(separator: ", "))")
        let absent = artifacts[.absent].map { "; requested paths that do not exist: \($0)" } ?? ""
        output.text("collected  \(percent) of what existed, \(SizeText.binary(bytes)) downloaded\(absent)")
    }

    /// The share of collected artifacts among those that exist and were requested, such as `99.9 %`.
    private var percent: String {
        guard existing > 0 else { return "100 %" }
        // Rounded down: 99.99 % must not show as 100 %.
        let tenths = (artifacts[.collected] ?? 0) * 1000 / existing
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
