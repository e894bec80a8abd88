import CrashAnalysis
import JSON
import Store
import Terminal
import Text

/// Prints what symbols changed in a store.
enum SymbolsText {
    /// Writes what was added, as one JSON object or as text.
    static func write(_ report: SymbolsReport, to output: Output) {
        let addition = report.addition
        guard !output.json else { return output.line(Shapes.symbolsAdded.line(report)) }
        let bytes = addition.added.reduce(UInt64(0)) { $0 &+ $1.size }
        output.text(
            "added \(counted(addition.added.count, "file")), \(SizeText.binary(bytes)); \(addition.known) known, "
                + "\(addition.skipped) not symbols")
        writeCrashes(report, to: output)
        for path in addition.withoutBuildID.prefix(20) {
            let what = output.style.yellow("no build id, found only by name and first page: ")
            output.text(what + Escape.display(path))
        }
        if addition.withoutBuildID.count > 20 { output.text("… and \(addition.withoutBuildID.count - 20) more") }
    }

    /// Writes which crashes changed.
    static func writeCrashes(_ report: SymbolsReport, to output: Output) {
        if report.crashes > 0 {
            let crashes = counted(report.crashes, "crash", "crashes")
            output.text("symbolicated \(crashes); \(report.signatures) got a new signature")
        }
        if report.awaitingSymbols > 0 {
            output.text(SignaturesRefresh.awaiting(report.awaitingSymbols, "cannot be read now"))
        }
    }
}
