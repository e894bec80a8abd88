import Catalog
public import Model
public import SalvageConfiguration

extension PrunePlan {
    /// One plan for each policy, in order, over those of the sessions that the policy matches.
    public static func plans(
        by policies: [SalvageConfiguration.Configuration.Prune], over sessions: [SessionRecord]
    ) -> [PrunePlan] {
        policies.map { policy in
            PrunePlan(
                sessions: sessions.filter { policy.match.accepts($0.identity) },
                rules: RetentionRules(
                    olderThan: policy.olderThan, maxBytes: policy.maxBytes, keepPerSignature: policy.keepPerSignature))
        }
    }
}
