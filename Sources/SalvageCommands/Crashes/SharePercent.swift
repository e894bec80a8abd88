/// A share as a percentage for tables.
enum SharePercent {
    /// `12.3 %`; one that would be rounded to nothing is `<0.1 %`.
    static func text(_ share: Double) -> String {
        guard share.isFinite else { return "-" }
        let tenths = Int((min(1, max(0, share)) * 1000).rounded())
        return tenths == 0 && share > 0 ? "<0.1 %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
