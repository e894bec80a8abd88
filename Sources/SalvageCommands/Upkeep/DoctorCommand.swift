import JSON
import Model
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage doctor`: checks whether the next harvest will work, and in time.
struct Doctor: AsyncCommand {
    static var name: String { "doctor" }
    static var abstract: String { "Check configuration, token, store, confinement, API and deadlines." }
    static var discussion: String {
        """
        Finds what would keep a harvest from working or from meeting its deadlines. Changes nothing, except that for a \
        shared store it writes small objects into the bucket and deletes them. Exit code 0 \
        when all is well, 3 with warnings, 2 when something is broken, 64 when the configuration is invalid. For a \
        harvest from cron, --every says how often it runs.
        """
    }
    static var flags: [CommandFlag<Self>] {
        [
            .toggle("offline", nil, "Do not contact the API, nor the servers of a shared store.") { $0.offline = true },
            .text("every", value: "span", "How often cron runs the harvest, such as 10m.") { $0.every = $1 },
        ]
    }

    var offline = false
    var every: String?
    var options = GlobalOptions()

    func run() async throws {
        var interval: Int64?
        if let every {
            guard let span = TimeText.parseSpan(every) else {
                throw Failure(
                    "bad_span", "invalid value '\(every)' for --every", hint: "write 10m or 1h", status: .usage)
            }
            interval = span
        }
        let output = Output(options)
        var worst = Finding.Grade.ok
        func tell(_ findings: [Finding]) {
            for finding in findings {
                if finding.grade == .failure || (finding.grade == .warning && worst != .failure) {
                    worst = finding.grade
                }
                write(finding, to: output)
            }
            output.sink.flush()
        }
        var loaded: (configuration: SalvageConfiguration.Configuration, store: StoreAddress)?
        var isMistaken = false
        do {
            loaded = (try StoreAccess.configuration(options), try StoreAccess.address(options))
        } catch {
            tell([.refusal("config", error)])
            isMistaken = FailureReport.failure(for: error).status == .usage
        }
        let setup = loaded.map { SetupExamination($0.configuration, environment: Environment.all) }
        tell(setup?.findings ?? [])
        tell([.confinement(allowing: loaded?.configuration.confinement.allowMissing ?? [])])
        if let loaded {
            let store = try Store(loaded.store)
            if offline, store.isShared {
                tell([.note("store", "\(store.address): not checked")])
            } else {
                let (configuration, span) = (loaded.configuration, interval)
                tell(
                    try await OwnThread.run { store.examine(configuration, interval: span, now: TimeText.now()) })
            }
            if !offline, setup?.hasToken == true {
                tell([await Finding.api(loaded.configuration, environment: Environment.all)])
            }
        }
        tell([.tools(path: Environment.value("PATH"))])
        try output.finish()
        if isMistaken { throw EndedWith(status: .usage) }
        switch worst {
        case .ok, .note: return
        case .warning: throw EndedWith(status: .partial)
        case .failure: throw EndedWith(status: .failure)
        }
    }

    private func write(_ finding: Finding, to output: Output) {
        if output.json {
            return output.line(Shapes.finding.line(finding))
        }
        if options.quiet, finding.grade == .ok || finding.grade == .note { return }
        let style = output.style
        let mark: String
        switch finding.grade {
        case .ok: mark = style.green("ok  ")
        case .note: mark = style.dim("note")
        case .warning: mark = style.yellow("WARN")
        case .failure: mark = style.red("FAIL")
        }
        let name = finding.name + String(repeating: " ", count: max(1, 14 - finding.name.utf8.count))
        // Each error in a configuration is a line of its own.
        let lines = finding.message.split(separator: "\n", omittingEmptySubsequences: false)
        let message = lines.map { Escape.display(String($0)) }.joined(
            separator: "\n" + String(repeating: " ", count: 20))
        output.text("\(mark)  \(name)\(message)")
        if lines.count > 1 { return }
        if let hint = finding.hint { output.text("      " + style.dim("hint: " + Escape.display(hint))) }
    }
}
