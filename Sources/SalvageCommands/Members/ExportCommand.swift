import Catalog
import JSON
import Model
import Pack
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage export`: writes members as files, or whole sessions as a bundle.
struct Export: Command {
    /// The values of `--bundle`.
    enum Form: String, CaseIterable {
        case archive, folder
    }

    static var name: String { "export" }
    static var abstract: String { "Write the members of a session as files, or hand whole sessions over as a bundle." }
    static var discussion: String {
        """
        Files are created only below the new folder; bytes of a name that could mislead a terminal or another system \
        become %XX; symbolic links, devices and owners are not recreated. Sparse files stay sparse, and hard links \
        stay hard links.

        With --bundle, one archive has everything about one or several sessions: logs, dumps, crashes as text and as \
        JSON, image, tag, labels and times, the symbols of the crashed stacks, and scripts that open the core dump in \
        gdb or lldb. `salvage ingest` takes it into another store, with the same stacks and signatures.

          salvage export raid-4d10 --bundle --to ticket-17.tar.gz
          salvage export --signature 'Inventory::resize*' --examples 2 --bundle --to resize.tar.gz
          salvage ingest ticket-17.tar.gz

        With --redact, the rules under `redact:` in the configuration apply to logs, other texts, labels and crashes. \
        Dumps and other binary files cannot be redacted and are left out.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("session", "The sessions; a unique prefix of an id is enough. Several need --bundle.") {
                $0.sessions.append($1)
            }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .text(
                "to", value: "path", "The folder to create; with --bundle, the archive.", completion: .file,
                isRequired: true
            ) { $0.to = $1 },
            .texts("path", value: "glob", "Only members whose path matches this glob. May be repeated.") {
                $0.path.append($1)
            },
            .toggle("expanded", nil, "Also write compressed and UTF-16 logs as UTF-8 text, beside the originals.") {
                $0.expanded = true
            },
            .text(
                "bundle", value: "form",
                "Write a bundle: an archive named --to (.tar.gz is added), or with --bundle=folder a folder.",
                completion: .words(Form.allCases.map(\.rawValue)), bareValue: Form.archive.rawValue
            ) { $0.bundle = $1 },
            .texts(
                "signature", value: "text",
                "Instead of sessions: the best examples of the crashes with this signature, or matching this glob. May be "
                    + "repeated."
            ) { $0.signature.append($1) },
            .number("examples", value: "count", "How many sessions for --signature (default: 3).") { $0.examples = $1 },
            .toggle("redact", nil, "Apply the configuration's redaction rules to all text; leave out the dumps.") {
                $0.redact = true
            },
            .toggle("with-dumps", nil, "With --redact: include dumps and other binary files, unredacted.") {
                $0.withDumps = true
            },
        ]
    }

    var sessions: [String] = []
    var to = ""
    var path: [String] = []
    var expanded = false
    var bundle: String?
    var signature: [String] = []
    var examples = 3
    var redact = false
    var withDumps = false
    var options = GlobalOptions()

    func validate() throws {
        func refuse(_ message: String, _ hint: String) -> Failure { .usage(message, hint: hint) }
        if sessions.isEmpty, signature.isEmpty {
            throw refuse("the session is missing", "salvage export SESSION --to PATH, or --signature TEXT --bundle")
        }
        if !sessions.isEmpty, !signature.isEmpty {
            throw refuse("--signature chooses sessions by itself", "name sessions or a signature, not both")
        }
        if let bundle, Form(rawValue: bundle) == nil {
            throw refuse("invalid value '\(bundle)' for --bundle", "write --bundle for an archive, or --bundle=folder")
        }
        if bundle == nil, sessions.count > 1 || !signature.isEmpty {
            throw refuse("several sessions can only be written as a bundle", "add --bundle")
        }
        if !(1...1000).contains(examples) { throw refuse("--examples must be from 1 to 1000", "such as --examples 3") }
        if withDumps, !redact { throw refuse("--with-dumps needs --redact", "without --redact, dumps are included") }
    }

    func run() throws {
        let store = try StoreAccess.store(options)
        let chosen = try exportOptions()
        let progress = Progress(quiet: options.quiet)
        guard bundle != nil else {
            let report = try store.export(sessions[0], to: to, chosen, progress: { progress.update($0) })
            progress.finish()
            return try ExportText(options).write(report)
        }
        var named = sessions
        if !signature.isEmpty {
            named = try store.examples(Selection(signatures: signature), most: examples)
        }
        let report = try store.bundle(
            named, to: to, chosen, sheet: CrashSheets.sheet, progress: { progress.update($0) })
        progress.finish()
        try ExportText(options).write(report)
    }

    private func exportOptions() throws -> BundleOptions {
        var chosen = BundleOptions()
        chosen.isFolder = bundle == Form.folder.rawValue
        chosen.globs = path.map { MemberGlob(MemberPath(argument: $0)) }
        chosen.expanded = expanded
        chosen.withDumps = withDumps
        guard redact else { return chosen }
        let rules = try StoreAccess.configuration(options).redact
        guard !rules.isEmpty else {
            throw Failure(
                "no_rules", "the configuration has no redaction rules",
                hint: "write patterns under `redact:` in the configuration, or export without --redact", status: .usage)
        }
        chosen.redactions = rules
        return chosen
    }
}
