import Ingest
import JSON
import Store
import Terminal
import Text

extension StoreProblem {
    /// Writes the problem as lines of text or one JSON object.
    func write(to output: Output) {
        if let judgement { return judgement.write(file: file, session: session, to: output) }
        if output.json { return output.line(Shapes.problem.line(FoundProblem(self))) }
        let style = output.style
        let owner = session.map { ", session \(Escape.display($0))" } ?? ""
        output.text("\(Escape.display(file)): \(style.red(verdict.rawValue))\(owner)")
        if let message { output.text("  \(Escape.display(message))") }
        if let hint { output.text("  " + style.dim("hint: " + hint)) }
    }
}

extension PackJudgement {
    /// Members beyond this number that one damage affects are counted, not named.
    private static let mostNames = 20

    /// Writes what is damaged in a pack, and what is still good, as lines of text or one JSON object.
    func write(file: String, session: String?, to output: Output) {
        if output.json {
            let problem = FoundProblem(self, file: file, session: session, hint: advice)
            return output.line(Shapes.problem.line(problem))
        }
        let word = isSound ? output.style.green(verdict) : output.style.red(verdict)
        output.text("\(Escape.display(file)): \(word)\(session.map { ", session \(Escape.display($0))" } ?? "")")
        for flaw in flaws {
            output.text("  \(Escape.display(flaw.words))")
            for member in flaw.members.prefix(Self.mostNames) { output.text("    affects \(Escape.path(member))") }
            if flaw.count > Self.mostNames {
                output.text("    affects \(flaw.count - Self.mostNames) more; --json names them all")
            }
        }
        if !isSound { output.text("  \(Escape.display(stillGood))") }
        if let advice { output.text("  " + output.style.dim("hint: " + advice)) }
    }

    private var verdict: String { isSound ? "ok" : isUnreadable ? "unreadable" : "corrupt" }

    private var advice: String? {
        isUnreadable ? "this machine or its disk could not read it now; the pack may be fine: run verify again" : nil
    }
}
