/// A limit that Sentry announced.
public struct RateLimit: Sendable, Equatable {
    /// What it limits, of what is sent here.
    public enum Category: String, Sendable, CaseIterable {
        /// Everything.
        case all
        /// Events of crashes.
        case error
        /// Files beside them: minidumps.
        case attachment
    }

    /// What it limits.
    public var category: Category
    /// For how long, in milliseconds, at most a day.
    public var wait: Int64

    /// Creates a limit.
    public init(_ category: Category, wait: Int64) {
        self.category = category
        self.wait = wait
    }

    /// The longest wait that is believed, in milliseconds. A limit that lasts longer is announced again.
    static let longest: Int64 = 86_400_000
    /// The most characters of the header that are read.
    private static let mostRead = 4096

    /// Reads the header `X-Sentry-Rate-Limits`: `seconds:category;category:scope:reason:…`, several of them between commas;
    /// no category means all (https://develop.sentry.dev/sdk/foundations/transport/rate-limiting/). What cannot be read is
    /// left out, and so are categories of what is not sent here.
    public static func parse(_ header: String) -> [RateLimit] {
        header.prefix(mostRead).split(separator: ",").flatMap { quota -> [RateLimit] in
            let fields = quota.filter { $0 != " " && $0 != "\t" }.split(
                separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 2, let seconds = Double(fields[0]), seconds.isFinite, seconds >= 0 else { return [] }
            let wait = Int64((min(seconds, Double(longest / 1000)) * 1000).rounded(.up))
            guard !fields[1].isEmpty else { return [RateLimit(.all, wait: wait)] }
            return fields[1].split(separator: ";").compactMap { name in
                // `all` is no category of Sentry's.
                Category(rawValue: String(name)).flatMap { $0 == .all ? nil : RateLimit($0, wait: wait) }
            }
        }
    }
}
