/// One format of the reports that programs, runtimes, engines and supervisors print about a death: all that salvage knows
/// of it. A format is one file in `Formats` and one line in ``TextReportFormats``.
struct TextReportFormat: Sendable {
    /// A literal that may begin a report. It must be rare in the logs of a healthy server.
    struct Anchor: Sendable {
        /// Stored with the blocks of packs: an id never changes its literal. Formats may share one.
        let id: UInt16
        /// 4 to 64 bytes.
        let literal: String
        /// False for words that a healthy server logs often, too: they do not hint at a crash by themselves.
        let hints: Bool

        init(_ id: UInt16, _ literal: String, hints: Bool = true) {
            self.id = id
            self.literal = literal
            self.hints = hints
        }
    }

    /// Who may speak the words. A player's chat and the game's own messages come through the game's logger, so the
    /// last words of a runtime count only where they stand outside of it.
    enum Voice: Sendable {
        /// The process or its runtime, on a line without a logger's prefix.
        case process
        /// The same, and the engine's own handler through the engine's logger in one of these categories.
        case engine(Set<String>)
        /// The same, and the program's logger at level error or worse.
        case logger
        /// Anyone: for reports that are no crash.
        case anyone
    }

    /// Where a report's own text begins on the line of its anchor.
    enum Start: Sendable {
        /// At the anchor.
        case anchor
        /// After the logger's prefix, with text of its own before the anchor.
        case afterPrefix
        /// At the last of these words before the anchor; at the anchor where there are none.
        case before(String)
    }

    /// What the format says of the process.
    enum Ending: Sendable {
        /// It printed this because it was dying.
        case ended
        /// It lived on.
        case survived
        /// Each report says so in its words, or what stands around it does.
        case saysItself
    }

    /// How the report's own words lead a signature.
    enum Lead: Sendable {
        /// No word: the frames and the signal are all.
        case none
        /// `assert | condition`.
        case assertion
        /// `assert | …` or `ensure | …`, by the exception's name.
        case check
        /// `abort | message`.
        case abort
        /// `terminate | type`.
        case terminate
        /// The exception's type or word; of none, the report's kind.
        case word
        /// The exception's type.
        case exception
    }

    /// The detector's name in records.
    let name: String
    /// Detector names of the records it makes, where there are others than `name`.
    var kinds: [String] = []
    let anchors: [Anchor]
    var voice = Voice.process
    var start = Start.anchor
    let ending: Ending
    /// How much a record with frames tells, against others of the same death: a dump has 60. Without frames 0 to 19.
    var rank = 50
    var rankWithoutFrames = 15
    var lead = Lead.none
    /// Words before the first colon, or in brackets, with which its reports begin by themselves; `*` for any program's name.
    /// Any other word there is a speaker's.
    var openingWords: Set<String> = []
    /// True for the word of a shell, a supervisor or the kernel: it tells that a process died, and no more.
    var isWord = false
    /// True for handlers that print their words and their stack apart, so that two reports may be parts of one account.
    var printsInParts = false
    /// True for exceptions that end an interpreter, which leaves no dump.
    var leavesNoDump = false
    /// Frames of this runtime that only report: patterns as in ``SignatureLists``.
    var irrelevant: [String] = []
    /// Reads a report at its anchor; nil when it is none.
    let parse: @Sendable (ReportLines) -> TextReport?
}
