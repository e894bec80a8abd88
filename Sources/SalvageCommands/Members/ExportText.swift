import Catalog
import JSON
import Model
import Pack
import Store
import Terminal
import Text

/// Prints what an export wrote, and reports what is damaged.
struct ExportText {
    private let options: GlobalOptions
    private let output: Output

    init(_ options: GlobalOptions) {
        self.options = options
        output = Output(options)
    }

    func write(_ report: ExportReport) throws {
        let pack = report.pack
        if options.json {
            output.line(Shapes.export.line(report))
        } else if !options.quiet {
            output.text(
                "\(counted(report.files, "file")), \(SizeText.binary(report.bytes)) in \(Escape.display(report.target))"
            )
            writeRest(leftOut: report.leftOut, in: "salvage-metadata.json", report.redacted, report.unredactable)
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

    func write(_ report: BundleReport) throws {
        if options.json {
            output.line(Shapes.bundle.line(report))
        } else if !options.quiet {
            let crashes = counted(report.crashes, "crash", "crashes")
            let symbols = counted(report.symbols, "symbol file")
            output.text(
                "\(counted(report.sessions.count, "session")): \(counted(report.files, "file")), "
                    + "\(SizeText.binary(report.bytes)), \(crashes), \(symbols) in \(Escape.display(report.target))")
            for session in report.sessions where report.sessions.count > 1 {
                output.text("  " + Escape.display(session))
            }
            writeRest(leftOut: report.leftOut, in: "session.json", report.redacted, report.unredactable)
            if report.unredactedNames > 0 {
                let names = counted(
                    report.unredactedNames, "name that matches the rules was", "names that match the rules were")
                output.text("\(names) kept: ids, tags and the names of files are not redacted")
            }
        }
        try output.finish()
        for error in report.faults { Failure(error).report(json: options.json, style: options.errorStyle) }
        if !report.faults.isEmpty { throw EndedWith(status: .partial) }
    }

    private func writeRest(leftOut: Int, in file: String, _ redacted: UInt64?, _ unredactable: Int) {
        if leftOut > 0 {
            output.text("\(counted(leftOut, "link or device is", "links and devices are")) listed in \(file) only")
        }
        guard let redacted else { return }
        output.text("redacted \(counted(Int(clamping: redacted), "place"))")
        if unredactable > 0 {
            let files = counted(unredactable, "dump or binary file was", "dumps and binary files were")
            output.text("\(files) left out, because rules cannot apply: --with-dumps includes them")
        }
    }
}
