public import SalvageConfiguration
import Text

/// Whether a signature crashes unusually often: a pure comparison of the last hour with the time before.
public struct Spike: Sendable, Equatable {
    /// What is compared. Sessions are those that ended.
    public struct Facts: Sendable, Equatable {
        /// Sessions of the build in the last hour.
        public var sessions: Int
        /// Those of them that crashed with the signature.
        public var crashed: Int
        /// Sessions of the build before that; of its image if the build had too few.
        public var sessionsBefore: Int
        /// Those of them that crashed with the signature.
        public var crashedBefore: Int
        /// How many hours the time before lasted.
        public var hoursBefore: Int

        /// Makes the facts.
        public init(sessions: Int, crashed: Int, sessionsBefore: Int, crashedBefore: Int, hoursBefore: Int) {
            self.sessions = sessions
            self.crashed = crashed
            self.sessionsBefore = sessionsBefore
            self.crashedBefore = crashedBefore
            self.hoursBefore = hoursBefore
        }
    }

    /// The fewest sessions before with which a build is compared with itself.
    public static let fewestBefore = 20

    /// The comparison as a sentence, such as `12 of 40 sessions in the last hour (30%), 2% before`.
    public let words: String

    /// Compares; nil if it is no spike. It is one if in the last hour at least `settings.sessions` sessions crashed, at
    /// least `settings.share` of all, and both the share and the crashes an hour are `settings.factor` times what they
    /// were. Without any session before, there is nothing to compare with, and a new signature has its own event.
    public init?(_ facts: Facts, _ settings: Configuration.Notifications.Spike) {
        guard facts.sessionsBefore > 0, facts.crashed >= settings.sessions, facts.sessions > 0 else { return nil }
        let share = Double(facts.crashed) / Double(max(facts.sessions, facts.crashed))
        let before = Double(facts.crashedBefore) / Double(max(facts.sessionsBefore, facts.crashedBefore))
        // Half a crash instead of none: one crash after a quiet week is not infinitely many times as many.
        let hourly = max(0.5, Double(facts.crashedBefore)) / Double(max(1, facts.hoursBefore))
        let floor = max(before, 0.5 / Double(max(facts.sessionsBefore, 1)))
        let factor = Double(settings.factor)
        guard share * 1_000_000 >= Double(settings.share), share >= factor * floor,
            Double(facts.crashed) >= factor * hourly
        else { return nil }
        words =
            "\(facts.crashed) of \(counted(facts.sessions, "session")) in the last hour (\(Self.percent(share))), "
            + "\(Self.percent(before)) before"
    }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)%" : "\(tenths / 10).\(tenths % 10)%"
    }
}
