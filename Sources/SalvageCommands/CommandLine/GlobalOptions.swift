import ArgumentParser
import Glibc
import Terminal

/// The flags every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The store's folder (or SALVAGE_STORE, or `store:` in the config; else ./storage).", valueName: "dir"))
    var store: String?

    @Option(
        help: ArgumentHelp(
            "The config file (or SALVAGE_CONFIG; else ./salvage.yaml, $XDG_CONFIG_HOME/salvage/, /etc/salvage/).",
            valueName: "file"))
    var config: String?

    @Flag(help: "Print one JSON object per line; field names are stable.")
    var json = false

    @Option(help: ArgumentHelp("Color: auto, always or never (respects NO_COLOR).", valueName: "when"))
    var color: ColorFlag = .auto

    @Flag(help: "Print results and errors only.")
    var quiet = false

    @Flag(help: "Print more detail on standard error.")
    var verbose = false

    /// The style of standard output.
    var style: Style { Style(choice: json ? .never : color.choice, descriptor: STDOUT_FILENO) }

    /// The style of standard error.
    var errorStyle: Style { Style(choice: color.choice, descriptor: STDERR_FILENO) }
}

/// The values of `--color`.
enum ColorFlag: String, ExpressibleByArgument, CaseIterable {
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
    /// The default of every option.
    static var defaults: Self {
        var options = Self()
        options.store = nil
        options.config = nil
        options.json = false
        options.color = .auto
        options.quiet = false
        options.verbose = false
        return options
    }

    static var flags: [CommandFlag<Self>] {
        [
            .text(
                "store", value: "dir",
                "The store's folder (or SALVAGE_STORE, or `store:` in the config; else ./storage).", completion: .folder
            ) { $0.store = $1 },
            .text(
                "config", value: "file",
                "The config file (or SALVAGE_CONFIG; else ./salvage.yaml, $XDG_CONFIG_HOME/salvage/, /etc/salvage/).",
                completion: .file
            ) { $0.config = $1 },
            .toggle("json", nil, "Print one JSON object per line; field names are stable.") { $0.json = true },
            .choice("color", value: "when", "Color; auto respects NO_COLOR.", occurrence: .lastWins) { $0.color = $1 },
            .toggle("quiet", nil, "Print results and errors only.") { $0.quiet = true },
            .toggle("verbose", nil, "Print more detail on standard error.") { $0.verbose = true },
        ]
    }
}
