import Glibc
import Harvest
import Ingest
import Model
import SalvageConfiguration
import SessionAPI
import Store
import Terminal
import Text

/// Checks configuration and token.
struct SetupExamination {
    private(set) var findings: [Finding] = []
    private(set) var configuration: SalvageConfiguration.Configuration?
    private(set) var store = "./storage"
    private(set) var hasToken = false
    /// Whether the configuration is invalid.
    private(set) var isMistaken = false

    init(options: GlobalOptions) {
        do {
            let configuration = try StoreAccess.configuration(options)
            self.configuration = configuration
            store = try StoreAccess.path(options)
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
        } catch {
            findings.append(Self.refusal("config", error))
            isMistaken = FailureReport.failure(for: error).status == .usage
            return
        }
        guard let configuration else { return }
        do {
            let token = try APIToken.find(configuration, environment: Environment.all)
            hasToken = true
            findings.append(.ok("token", "from \(token.origin)"))
        } catch let error where error.code == .tokenUnreadable {
            // A service may get the token as a credential that only it can read: this says nothing about its next run.
            findings.append(
                .warning(
                    "token", "not checked, nor is the API: \(error.message)" + (error.path.map { " (\($0))" } ?? ""),
                    hint: error.hint))
        } catch {
            findings.append(Self.refusal("token", error))
        }
    }

    private static func refusal(_ name: String, _ error: any Error) -> Finding {
        let failure = FailureReport.failure(for: error)
        let place = failure.path.map { failure.message.contains($0) ? "" : " (\($0))" } ?? ""
        return .failure(name, failure.message + place, hint: failure.hint)
    }

    private static func isLocal(_ url: String) -> Bool {
        ["http://127.", "http://localhost", "http://[::1]"].contains { url.hasPrefix($0) }
    }
}

/// Checks that the API responds and accepts the token.
struct APIExamination {
    let options: GlobalOptions

    func findings() async -> [Finding] {
        let began = TimeText.now()
        do {
            var summary = SessionListSummary()
            try await API.withClient(options) { client in
                summary = try await client.sessionList(SessionListQuery()) { _ in }
            }
            let listed = "\(counted(summary.entries, "running session")) listed in \(TimeText.now() - began) ms"
            guard let first = summary.damaged.first(where: { !$0.wasTaken }) else { return [.ok("API", listed)] }
            let entries = counted(summary.rejected, "entry", "entries")
            return [
                .warning(
                    "API",
                    "\(listed); \(entries) cannot be read, the first at byte \(first.offset)"
                        + (first.id.map { " (session \($0))" } ?? "") + ": \(first.reason)",
                    hint: "their sessions are not collected; report it to the API's operator")
            ]
        } catch {
            let failure = FailureReport.failure(for: error)
            return [.failure("API", failure.sentence, hint: failure.hint ?? "check api.url and the network")]
        }
    }
}

/// Checks for the program that one command calls.
enum ToolExamination {
    static func findings() -> [Finding] {
        let folders = (Environment.value("PATH") ?? "/usr/bin:/bin").split(separator: ":")
        let hasGDB = folders.contains { access("\($0)/gdb", X_OK) == 0 }
        return [hasGDB ? .ok("tools", "gdb") : .note("tools", "gdb is not installed (used only by crash --debug)")]
    }
}
