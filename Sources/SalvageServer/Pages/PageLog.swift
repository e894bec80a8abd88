import Store
import Text

/// Lines of a log.
enum PageLog {
    /// The values of the partial `log`.
    ///
    /// - Parameter anchored: whether lines can be linked to by their number.
    static func model(_ excerpt: CrashLines, anchored: Bool, label: String) -> PageModel {
        [
            "logLabel": .text(label, most: 200),
            "logLines": .list(
                excerpt.lines.map { line in
                    var model: PageModel = ["text": .line(line.bytes), "isAt": .flag(line.isReport)]
                    if let number = line.number, anchored {
                        model["anchor"] = .one(["anchorID": .shown("L\(number)"), "lineNumber": .shown(String(number))])
                    }
                    return model
                }),
        ]
    }

    /// Where the lines are from.
    static func note(_ excerpt: CrashLines) -> String {
        let path = Escape.path(excerpt.path)
        return excerpt.isEnd ? "the end of \(path)" : path
    }
}
