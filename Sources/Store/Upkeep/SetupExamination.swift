public import SalvageConfiguration
import Text

/// Checks a configuration and its API token. Reads the token's file; contacts nobody.
public struct SetupExamination: Sendable {
    /// What was found.
    public private(set) var findings: [Finding] = []
    /// Whether there is a usable token.
    public private(set) var hasToken = false

    /// Checks a configuration that could be loaded; for one that could not, see ``Finding/refusal(_:_:)``.
    ///
    /// - Parameters:
    ///   - configuration: the configuration.
    ///   - environment: may have the token or the folder of systemd credentials.
    public init(_ configuration: SalvageConfiguration.Configuration, environment: [String: String]) {
        if let file = configuration.file {
            findings.append(.ok("config", "\(file), \(counted(configuration.rules.count, "rule"))"))
        } else {
            findings.append(
                .warning(
                    "config", SalvageConfiguration.Configuration.Shortfall.withoutFile,
                    hint: "write salvage.yaml; docs/configuration.md shows one"))
        }
        if configuration.file != nil, configuration.rules.allSatisfy({ $0.artifacts.isEmpty }) {
            findings.append(
                .warning(
                    "rules", "no rule lists artifacts: core dumps stay in their containers",
                    hint: "add artifacts: [/path/in/container] to a rule"))
        }
        if configuration.api.url.hasPrefix("http://"), !Self.isLocal(configuration.api.url) {
            findings.append(
                .warning("address", "\(configuration.api.url) sends the token in clear text", hint: "use https://"))
        }
        findings += Self.channels(configuration, environment)
        do throws(ConfigurationError) {
            let token = try APIToken.find(configuration, environment: environment)
            hasToken = true
            findings.append(.ok("token", "from \(token.origin)"))
        } catch {
            guard error.code == .tokenUnreadable else {
                findings.append(.refusal("token", error))
                return
            }
            // A service may get the token as a credential that only it can read: this says nothing about its next run.
            findings.append(
                .warning(
                    "token", "not checked, nor is the API: \(error.message)" + (error.path.map { " (\($0))" } ?? ""),
                    hint: error.hint))
        }
    }

    /// Whether the secrets of the channels can be read. A service may get them where this user cannot, so that is a warning.
    private static func channels(
        _ configuration: SalvageConfiguration.Configuration, _ environment: [String: String]
    ) -> [Finding] {
        let channels = configuration.notify.channels
        guard !channels.isEmpty else { return [] }
        var findings: [Finding] = []
        for channel in channels {
            do throws(ConfigurationError) {
                _ = try channel.url?.read(environment)
                _ = try channel.secret?.read(environment)
            } catch {
                findings.append(
                    .warning(
                        "notify",
                        "channel '\(channel.name)': \(error.message)" + (error.path.map { " (\($0))" } ?? ""),
                        hint: error.hint))
            }
        }
        return findings.isEmpty ? [.ok("notify", counted(channels.count, "channel"))] : findings
    }

    private static func isLocal(_ url: String) -> Bool {
        ["http://127.", "http://localhost", "http://[::1]"].contains { url.hasPrefix($0) }
    }
}

extension Finding {
    /// Something that cannot be used because of an error, such as a configuration that cannot be loaded.
    public static func refusal(_ name: String, _ error: any Error) -> Finding {
        let known = error as? ConfigurationError
        let other = StoreError(error)
        let message = known?.message ?? other.message
        let path = known == nil ? other.path : known?.path
        let place = path.map { message.contains($0) ? "" : " (\($0))" } ?? ""
        return .failure(name, message + place, hint: known == nil ? other.hint : known?.hint)
    }
}
