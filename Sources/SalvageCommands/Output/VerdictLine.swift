import Ingest
import JSON
import Model
import Store
import Terminal
import Text

/// The verdict on one archive as output, the same for `ingest` and `verify`.
struct VerdictLine {
    let file: String
    let verdict: ArtifactVerdict

    func write(to output: Output, session: String?) {
        if output.json {
            let judged = JudgedFile(file: file, session: session, verdict: verdict)
            return output.line(Shapes.verdict.line(judged))
        }
        let word = verdict.verdict == .ok ? output.style.green("ok") : output.style.red(verdict.verdict.rawValue)
        let entries = counted(verdict.entries, "entry", "entries")
        var text = "\(Escape.display(file)): \(word), \(entries), \(SizeText.binary(verdict.bytes))"
        if !verdict.flags.isEmpty { text += " [\(Escape.display(verdict.flags.joined(separator: " ")))]" }
        if let error = verdict.firstError { text += "\n  first error: \(Escape.display(error))" }
        if let head = verdict.head, !head.isEmpty { text += "\n  it begins with: \(Escape.display(head))" }
        output.text(text)
    }
}
