import Glibc
import Terminal

/// The flags every command takes.
struct GlobalOptions {
    var store: String?
    var config: String?
    var json = false
    var color = ColorFlag.auto
    var quiet = false
    var verbose = false
    var utc = false
    var columns: [String] = []
    var noPager = false
    /// Whether the command is one that is read from the top, so that a pager helps; see `Paging`.
    var isPaged = false

    /// Whether what the command prints goes through a pager if standard output is a terminal.
    var pages: Bool { isPaged && !noPager && !json }

    /// The style of standard output.
    var style: Style { Style(choice: json ? .never : color.choice, descriptor: STDOUT_FILENO) }

    /// The style of standard error.
    var errorStyle: Style { Style(choice: color.choice, descriptor: STDERR_FILENO) }
}

/// The values of `--color`.
enum ColorFlag: String, CaseIterable {
    case auto, always, never

    var choice: ColorChoice {
        switch self {
        case .auto: .auto
        case .always: .always
        case .never: .never
        }
    }
}

extension GlobalOptions {
    static var flags: [CommandFlag<Self>] {
        [
            .text(
                "store", value: "dir",
                "The store: a folder or postgres://… (or SALVAGE_STORE, or `store:` in the config; else ./storage).",
                completion: .folder
            ) { $0.store = $1 },
            .text(
                "config", value: "file",
                "The config file (or SALVAGE_CONFIG; else ./salvage.yaml, $XDG_CONFIG_HOME/salvage/, /etc/salvage/).",
                completion: .file
            ) { $0.config = $1 },
            .toggle("json", nil, "Print one JSON object per line; field names are stable.") { $0.json = true },
            .choice(
                "color", value: "when", "Color; auto respects NO_COLOR, CLICOLOR_FORCE and CLICOLOR.",
                occurrence: .lastWins
            ) { $0.color = $1 },
            .text(
                "columns", value: "names",
                "The columns of a listing, in this order: JSON field names or headings, with commas between them."
            ) { $0.columns = $1.split(separator: ",").map { String($0) } },
            .toggle("utc", nil, "Read and show times in UTC instead of local time (TZ). JSON is always in UTC.") {
                $0.utc = true
            },
            .toggle("no-pager", nil, "Do not start a pager (SALVAGE_PAGER, else PAGER, else less -FRX).") {
                $0.noPager = true
            },
            .toggle("quiet", nil, "Print results and errors only.") { $0.quiet = true },
            .toggle("verbose", nil, "Print more detail on standard error.") { $0.verbose = true },
        ]
    }
}
