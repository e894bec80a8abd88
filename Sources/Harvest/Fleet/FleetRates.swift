import Catalog
import Synchronization
import Text

extension HarvestRunner {
    /// How many requests are borrowed at once.
    private static let loan = 20
    /// The interval between looks for endpoints without requests left, in milliseconds.
    private static let rateTick: Int64 = 25

    /// Borrows requests from the rates that all harvesters share, and tells the others when the server throttles, until
    /// the run is over.
    ///
    /// While the database does not answer, each harvester keeps to its share of the configured rate: containers do not wait.
    func keepRates() async {
        var after: [Endpoint: Int64] = [:]
        while !Task.isCancelled {
            let now = Self.now()
            let (short, blocks) = state.withLock { ($0.fetcher.shortEndpoints, $0.fetcher.takeBlocks(now: now)) }
            for (endpoint, milliseconds) in blocks {
                // If this fails, the others find out by themselves.
                try? await shared { try $0.block(endpoint.rateName, for: milliseconds) }
            }
            for endpoint in short where now >= after[endpoint] ?? .min {
                after[endpoint] = now + (await borrow(endpoint))
            }
            try? await Task.sleep(for: .milliseconds(Self.rateTick))
        }
    }

    /// Borrows requests of one endpoint; returns how long until the next try, in milliseconds.
    private func borrow(_ endpoint: Endpoint) async -> Int64 {
        let rate = state.withLock { $0.fetcher.settings.perMinute[endpoint] ?? 600 }
        do {
            let loan = try await shared { work -> RateLoan in
                if let loan = try work.borrow(Self.loan, from: endpoint.rateName) { return loan }
                try work.setRate(endpoint.rateName, perMinute: rate)
                return try work.borrow(Self.loan, from: endpoint.rateName) ?? RateLoan(tokens: 0)
            }
            change { state, now in state.fetcher.lend(loan, endpoint, now: now) }
            return loan.tokens > 0 ? 0 : max(20, min(1000, max(loan.blocked, loan.wait)))
        } catch {
            change { state, now in state.fetcher.lenderFailed(endpoint, now: now) }
            return 1000
        }
    }

    /// Makes the shared rates those of the configuration.
    func setRates() async {
        let rates = state.withLock { $0.fetcher.settings.perMinute }
        for (endpoint, rate) in rates {
            // Otherwise the first loan sets it.
            try? await shared { try $0.setRate(endpoint.rateName, perMinute: rate) }
        }
    }
}

extension Endpoint {
    /// The endpoint's name in the shared catalog.
    var rateName: String {
        switch self {
        case .describe: "describe"
        case .artifacts: "artifacts"
        case .logs: "logs"
        }
    }
}

extension Fetcher {
    /// Makes the rates of all endpoints shared ones.
    ///
    /// - Parameter harvesters: the number of those that share them; each keeps to its part when none can be borrowed.
    mutating func shareRates(among harvesters: Int = 1) {
        for endpoint in Endpoint.allCases { buckets[endpoint]?.share(among: harvesters) }
    }

    /// The endpoints with few or no borrowed requests left that somebody wanted.
    var shortEndpoints: [Endpoint] { Endpoint.allCases.filter { buckets[$0]?.isShort == true } }

    /// Adds borrowed requests.
    mutating func lend(_ loan: RateLoan, _ endpoint: Endpoint, now: Int64) {
        buckets[endpoint]?.lend(loan.tokens, blockedFor: loan.blocked, now: now)
    }

    /// Notes that nothing can be borrowed for now.
    mutating func lenderFailed(_ endpoint: Endpoint, now: Int64) { buckets[endpoint]?.lenderFailed(now: now) }

    /// The blocks by the server that the other harvesters do not know of yet, in milliseconds from now.
    mutating func takeBlocks(now: Int64) -> [(Endpoint, Int64)] {
        Endpoint.allCases.compactMap { endpoint in
            buckets[endpoint]?.takeBlock().flatMap { $0 > now ? (endpoint, $0 &- now) : nil }
        }
    }

    /// Whether a download of a session is in flight, also of one that was withdrawn.
    func isDownloading(_ key: String) -> Bool { flights.values.contains { $0.key.hasSameBytes(as: key) } }

    /// Whether anything of a session is in flight or being packed.
    func isBusy(_ key: String) -> Bool { isDownloading(key) || sessions[key]?.packing != nil }
}
