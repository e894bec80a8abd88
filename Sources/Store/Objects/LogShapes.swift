public import JSON
import LogSearch
import Model
import Text

extension Shapes {
    /// A line of a log.
    public static let logLine = JSONShape<LogExcerptLine>(
        "LogLine", "One line of a log.",
        [
            .integer("number", "the number of the line in its member, from 1") { $0.number },
            .time("time", "its time, its own or that of the line before it") { $0.time },
            .text("text", "its text, at most 32 KiB; bytes that are not UTF-8 are replaced") {
                String(decoding: $0.text, as: UTF8.self)
            },
        ])

    /// The log lines before a crash.
    public static let crashExcerpt = JSONShape<CrashExcerpt>(
        "CrashExcerpt", "The log lines before the crash of a session.",
        [
            .text("session", "the session's id") { $0.session.id },
            .optionalText("image", "the session's image") { $0.session.image.isEmpty ? nil : $0.session.image },
            .optionalText("tag", "the session's tag") { $0.session.tag },
            .optionalText("location", "the session's location") { $0.session.location },
            .text("crash", "the crash's id") { $0.crash },
            .time("time", "when it happened") { $0.time },
            .optionalText("signature", "its signature") { $0.signature },
            .optionalText("path", "the path of the member with the lines, escaped") {
                $0.path.isEmpty ? nil : Escape.path($0.path)
            },
            .objects("lines", logLine, "the lines") { $0.lines },
            .optionalText("note", "what is to be known about the lines") { $0.note },
            .optionalText("problem", "why there are no lines") { $0.problem?.message },
        ])

    /// Some lines of one log.
    public static let logWindow = JSONShape<LogWindow>(
        "LogWindow", "Lines around a place in one log of a session.",
        [
            .text("session", "the session's id") { $0.session.id },
            .text("path", "the member's path, escaped") { Escape.path($0.path) },
            .objects("lines", logLine, "the lines") { $0.lines },
            .optionalInteger("around", "the number of the line that was asked for") { $0.around },
            .boolean("more_before", "whether the log has lines before them") { $0.hasMoreBefore },
            .boolean("more_after", "whether the log has lines after them") { $0.hasMoreAfter },
        ])

    /// A line that a search found.
    public static let searchHit = JSONShape<SearchHit>(
        "SearchHit", "A line that a search found, or adjacent lines that a match spans.",
        [
            .word("type", ["match", "context"], "whether the line matches") { $0.isMatch ? "match" : "context" },
            .text("session", "the session's id") { $0.member.label.identity.id },
            .optionalText("image", "the session's image") {
                $0.member.label.identity.image.isEmpty ? nil : $0.member.label.identity.image
            },
            .optionalText("tag", "the session's tag") { $0.member.label.identity.tag },
            .optionalText("location", "the session's location") { $0.member.label.identity.location },
            .text("path", "the member's path, escaped") { Escape.path($0.member.path) },
            .texts("also", "paths of other members of the session with the same bytes") {
                $0.member.also.map { Escape.path($0) }
            },
            .integer("number", "the number of the first line, from 1") { Int(clamping: $0.number) },
            .time("time", "its time, its own or that of the line before it") { $0.time },
            .text("text", "its text, at most 64 KiB; bytes that are not UTF-8 are replaced") {
                String(decoding: $0.text, as: UTF8.self)
            },
            .objects("submatches", searchMatch, "the matches") { hit in
                hit.matches.map { SearchMatch(range: $0, text: Array(hit.text[$0])) }
            },
        ])

    /// A match in a line.
    public static let searchMatch = JSONShape<SearchMatch>(
        "SearchMatch", "A match in a line that a search found.",
        [
            .integer("start", "the byte of the line at which it begins, from 0") { $0.range.lowerBound },
            .integer("end", "the byte after it") { $0.range.upperBound },
            .text("text", "its text") { String(decoding: $0.text, as: UTF8.self) },
        ])
}

/// A match in a line.
public struct SearchMatch: Sendable {
    /// Where it is, as offsets in the line's bytes.
    public let range: Range<Int>
    /// Its bytes.
    public let text: [UInt8]
}
