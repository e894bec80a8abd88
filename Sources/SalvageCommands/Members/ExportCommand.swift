import Catalog
import JSON
import Model
import Pack
import Store
import Terminal
import Text

/// `salvage export`: writes members as files.
struct Export: Command {
    static var name: String { "export" }
    static var abstract: String { "Write the members of a session as files." }
    static var discussion: String {
        """
        This is the only command that creates files under names from an archive. Files are created only below the \
        new folder; bytes of a name that could mislead a terminal or another system become %XX; symbolic links, \
        devices and owners are not recreated. Sparse files stay sparse, and hard links stay hard links.
        """
    }
    static var arguments: [CommandArgument<Self>] { [.session { $0.session = $1 }] }
    static var flags: [CommandFlag<Self>] {
        [
            .text("to", value: "dir", "The folder to create.", completion: .folder, isRequired: true) { $0.to = $1 },
            .texts("path", value: "glob", "Only members whose path matches this glob. May be repeated.") {
                $0.path.append($1)
            },
            .toggle("expanded", nil, "Also write compressed and UTF-16 logs as UTF-8 text, beside the originals.") {
                $0.expanded = true
            },
            .toggle(
                "bundle", nil,
                "Pack everything, with salvage-metadata.json, into DIR.tar.gz for a ticket, and remove the folder."
            ) { $0.bundle = true },
        ]
    }

    var session = ""
    var to = ""
    var path: [String] = []
    var expanded = false
    var bundle = false
    var options = GlobalOptions()

    func run() throws {
        let progress = Progress(quiet: options.quiet)
        let report = try StoreAccess.store(options).export(
            session, to: to, matching: path.map { MemberGlob(MemberPath(argument: $0)) }, expanded: expanded,
            bundle: bundle, progress: { progress.update($0) })
        progress.finish()
        try write(report)
    }

    private func write(_ report: ExportReport) throws {
        let output = Output(options)
        let pack = report.pack
        if options.json {
            output.line(Shapes.export.line(report))
        } else if !options.quiet {
            output.text("\(counted(report.files, "file")), \(SizeText.binary(report.bytes)) in \(report.target)")
            if report.leftOut > 0 {
                let others = counted(report.leftOut, "link or device is", "links and devices are")
                output.text("\(others) listed in salvage-metadata.json only")
            }
        }
        try output.finish()
        for path in report.damaged {
            Failure(
                "damaged", "a member is damaged; its intact parts were written", session: pack.session.session,
                path: path
            ).report(json: options.json, style: options.errorStyle)
        }
        if let damage = pack.artifactsDamage {
            Failure(pack.artifactsUnreadable(damage, hint: "salvage verify names what is damaged")).report(
                json: options.json, style: options.errorStyle)
        }
        if !report.damaged.isEmpty || pack.artifactsDamage != nil { throw EndedWith(status: .partial) }
    }
}
