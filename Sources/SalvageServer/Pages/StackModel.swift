import Model
import Text

/// A stack as a list of frames.
enum StackModel {
    /// Frames that are shown.
    static let mostFrames = 200

    /// The values of the partial `stack`.
    static func model(_ frames: [CrashFrame], source: SourceLinks, tag: String?) -> PageModel {
        let more = frames.count - mostFrames
        return [
            "hasFrames": .flag(!frames.isEmpty),
            "frames": .list(frames.prefix(mostFrames).map { frame($0, source, tag) }),
            "moreFrames": more > 0
                ? .one(["moreText": .text("\(counted(more, "more frame")): salvage crash shows all.")]) : false,
        ]
    }

    private static func frame(_ frame: CrashFrame, _ source: SourceLinks, _ tag: String?) -> PageModel {
        var model: PageModel = [
            "number": .text("#\(frame.index)"), "isInlined": .flag(frame.inlined == true),
            "isStale": .flag(frame.trust == .scan), "isSystem": .flag(frame.file == nil),
        ]
        var module = frame.module
        if let function = frame.function {
            model["function"] = .text(function, most: 600)
        } else {
            let offset = frame.offset.map { "+\($0)" } ?? ""
            model["function"] = .text(
                frame.module.map { $0 + offset } ?? frame.address.map { "\($0)" } ?? "?", most: 600)
            module = nil
        }
        if frame.file != nil || module != nil {
            var place: PageModel = ["place": .text(frame.file.map { $0 + (frame.line.map { ":\($0)" } ?? "") } ?? "")]
            if let file = frame.file, let href = source.link(file: file, line: frame.line, tag: tag) {
                place["sourceLink"] = .one(["href": .shown(href)])
            }
            if let module { place["module"] = .one(["moduleName": .text(module, most: 200)]) }
            model["where"] = .one(place)
        }
        return model
    }
}

/// Links from frames to their source lines, by the server's template.
struct SourceLinks: Sendable {
    /// Such as `https://git.example/game/blob/{tag}/{file}#L{line}`; nil for none.
    var template: String?

    /// The address of a line; nil without a template, and for a template that does not lead to the web.
    func link(file: String, line: Int?, tag: String?) -> String? {
        guard let template, PageLink.web(template.filter { $0 != "{" && $0 != "}" }) != nil else { return nil }
        let path = file.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
            .filter { $0 != ".." && $0 != "." }.map { Percent.encode($0) }.joined(separator: "/")
        var link = template
        for (name, value) in [
            ("{file}", path), ("{line}", line.map(String.init) ?? "1"), ("{tag}", Percent.encode(tag ?? "")),
        ] {
            while let range = link.firstRange(of: name) { link.replaceSubrange(range, with: value) }
        }
        return PageLink.web(link)
    }
}
