import Model
import Terminal
import Text

/// Decisions as sentences.
enum DecisionWords {
    /// What somebody did, to follow their name: `marked it as fixed in 1.5.0`.
    static func sentence(_ decision: Decision) -> String {
        let words =
            switch decision.action {
            case .resolve(let tag?): "marked it as fixed in \(tag)"
            case .resolve(nil): "marked it as fixed"
            case .ignore(let until?, _): "ignored it until \(TimeText.table(until)) UTC"
            case .ignore(nil, let crashes?): "ignored it until \(counted(crashes, "more crash", "more crashes"))"
            case .ignore(nil, nil): "ignored it"
            case .reopen: "reopened it"
            case .assign(let owner?): "assigned it to \(owner)"
            case .assign(nil): "assigned it to nobody"
            case .merge(let other): "merged it into \(other)"
            case .unmerge: "separated it again"
            case .note: decision.ticket == nil ? "wrote" : "linked a ticket"
            }
        return words + (decision.ticket.map { ", ticket \($0)" } ?? "") + (decision.note == nil ? "." : ":")
    }
}
