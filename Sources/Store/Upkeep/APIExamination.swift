import Clocks
import Harvest
public import SalvageConfiguration
import SessionAPI
import Text

extension Finding {
    /// Checks that the API responds and accepts the token, by listing the running sessions. An error of the API is a
    /// finding.
    ///
    /// - Parameters:
    ///   - configuration: has the API's address.
    ///   - environment: may have the token or the folder of systemd credentials.
    public static func api(
        _ configuration: SalvageConfiguration.Configuration, environment: [String: String]
    ) async -> Finding {
        let began = WallClock.now()
        do {
            let summary = try await APICall.run(
                configuration, environment: environment, userAgent: "salvage/\(salvageVersion)"
            ) { client in
                try await client.sessionList(SessionListQuery()) { _ in }
            }
            return finding(summary, milliseconds: WallClock.now() - began)
        } catch {
            return finding(error, configuration)
        }
    }

    private static func finding(_ summary: SessionListSummary, milliseconds: Int64) -> Finding {
        let listed = "\(counted(summary.entries, "running session")) listed in \(milliseconds) ms"
        guard let first = summary.damaged.first(where: { !$0.wasTaken }) else { return .ok("API", listed) }
        let entries = counted(summary.rejected, "entry", "entries")
        return .warning(
            "API",
            "\(listed); \(entries) cannot be read, the first at byte \(first.offset)"
                + (first.id.map { " (session \($0))" } ?? "") + ": \(first.reason)",
            hint: "their sessions are not collected; report it to the API's operator")
    }

    private static func finding(_ error: any Error, _ configuration: SalvageConfiguration.Configuration) -> Finding {
        let message: String
        let hint: String?
        switch error {
        case let error as APIError:
            message = error.sentence
            hint = error.remedy(at: configuration.api.url) { "salvage api describe-session \($0)" }
        case let error as ConfigurationError: (message, hint) = (error.message, error.hint)
        case let error as HarvestError: (message, hint) = (error.message, error.hint)
        default:
            let other = StoreError(error)
            (message, hint) = (other.message, other.hint)
        }
        return .failure("API", message, hint: hint ?? "check api.url and the network")
    }
}
