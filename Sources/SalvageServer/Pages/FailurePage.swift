import HTTPTypes
import Text

/// The pages that say what failed, and the one to sign in.
enum FailurePage {
    /// The page about a failed request.
    static func content(_ failure: ServerFailure) -> PageContent {
        let heading = heading(failure.status.code)
        var model: PageModel = [
            "heading": .text(heading), "message": .text(sentence(failure.message)), "code": .text(failure.code),
            "status": .number(failure.status.code),
        ]
        if let hint = failure.hint { model["hasHint"] = .one(["hintText": .text(sentence(hint))]) }
        return PageContent(template: "failure", title: heading, tab: nil, model: model)
    }

    /// The page to sign in.
    static func signIn(_ failure: ServerFailure?, next: String) -> PageContent {
        var model: PageModel = ["nextPath": .address(plain(next))]
        if let failure {
            var problem: PageModel = ["problemText": .text(sentence(failure.message))]
            problem.set("hint", failure.hint.map(sentence))
            model["signInProblem"] = .one(problem)
        }
        return PageContent(template: "sign-in", title: "Sign in", tab: nil, model: model)
    }

    /// A path in which characters that an address may not have as they are, among them those that hide or reorder text, are
    /// percent-encoded. It leads to the same page.
    private static func plain(_ path: String) -> String {
        var out = ""
        for scalar in path.unicodeScalars {
            if (0x21..<0x7F).contains(scalar.value) {
                out.unicodeScalars.append(scalar)
            } else {
                out += Percent.encode(String(scalar))
            }
        }
        return out
    }

    private static func heading(_ status: Int) -> String {
        switch status {
        case 400: "This address cannot be read"
        case 401: "Sign in first"
        case 403: "Not allowed"
        case 404: "Not found"
        case 405: "Not possible here"
        case 409: "Several things have this name"
        case 429: "Too many requests"
        case 503: "Try again soon"
        case 500...: "The server failed"
        default: "This did not work"
        }
    }

    /// A message of the command line as a sentence: with a capital and a full stop.
    private static func sentence(_ text: String) -> String {
        guard let first = text.first else { return text }
        let end = text.last.map { ".!?:".contains($0) } ?? true
        return first.uppercased() + text.dropFirst() + (end ? "" : ".")
    }
}
