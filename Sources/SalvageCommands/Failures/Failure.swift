import Glibc
import Harvest
import JSON
import Store
import Terminal
import Text

/// An error as it is reported: what failed, on which session and path, why, and what to do next.
struct Failure: Error, Sendable {
    /// A stable name for scripts, such as `session_not_found`.
    var code: String
    /// What failed and why, one sentence.
    var message: String
    /// The session concerned, if any.
    var session: String?
    /// The file or container path concerned, if any.
    var path: String?
    /// What to do next, if that is known.
    var hint: String?
    /// Further facts of the API's response, if one is the cause.
    var answer: ServerAnswer?
    /// The exit code.
    var status: ExitStatus

    init(
        _ code: String, _ message: String, session: String? = nil, path: String? = nil, hint: String? = nil,
        status: ExitStatus = .failure
    ) {
        self.code = code
        self.message = message
        self.session = session
        self.path = path
        self.hint = hint
        self.status = status
    }

    /// The message, completed by the facts of the API's response.
    var sentence: String { message + (answer?.text(after: message) ?? "") }

    /// Writes the error to standard error: one JSON object with `--json`, two short lines otherwise.
    func report(json: Bool, style: Style) {
        let sink = BufferedOutput(descriptor: STDERR_FILENO)
        if json {
            sink.write(Shapes.error.line(self).text + "\n")
        } else {
            let lines = sentence.split(separator: "\n", omittingEmptySubsequences: false).map {
                Escape.display(String($0))
            }
            var text = style.red("salvage:") + " " + lines.joined(separator: "\n  ")
            if let session, !message.contains(session) { text += " (session \(Escape.display(session)))" }
            // A request's path adds nothing to its operation and session.
            if let path, !message.contains(path), answer?.operation == nil { text += " (path \(Escape.display(path)))" }
            text += "\n"
            if let hint { text += "  hint: \(Escape.display(hint))\n" }
            sink.write(text)
        }
        sink.flush()
    }
}

/// Ends a command with an exit code, after everything was written: nothing more is reported.
struct EndedWith: Error {
    let status: ExitStatus
}
