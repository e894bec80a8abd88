import Store

/// One sentence about the state of things, with what to do.
enum PageNote {
    /// The values of a note of the partial `notes`. The grade is a word, too, so that it does not depend on color.
    static func model(
        _ grade: Finding.Grade, _ message: String, link: (href: String, text: String)? = nil, hint: String? = nil
    ) -> PageModel {
        var model: PageModel = [
            "grade": .shown(grade.rawValue), "gradeWord": .shown(word(grade)), "message": .text(message),
        ]
        if let link { model["link"] = .one(["href": .shown(link.href), "linkText": .text(link.text)]) }
        model.set("hint", hint)
        return model
    }

    private static func word(_ grade: Finding.Grade) -> String {
        switch grade {
        case .ok: "Well"
        case .note: "Note"
        case .warning: "Warning"
        case .failure: "Failure"
        }
    }
}
