import Model

/// One format of the reports that programs, runtimes, engines and supervisors print about a death, with all that
/// salvage knows about it. A format is one file in `Formats` and one line in ``TextReportFormats``.
struct TextReportFormat: Sendable {
    /// A literal that may begin a report. It must be rare in the logs of a healthy server.
    struct Anchor: Sendable {
        /// Stored with the blocks of packs, so an id must never change its literal. Formats may share one.
        let id: UInt16
        /// 4 to 64 bytes.
        let literal: String
        /// False for words that a healthy server also logs often: they alone do not hint at a crash.
        let hints: Bool

        init(_ id: UInt16, _ literal: String, hints: Bool = true) {
            self.id = id
            self.literal = literal
            self.hints = hints
        }
    }

    /// Who may print the report. A player's chat and the game's own messages pass through the game's logger, so the
    /// last words of a runtime are accepted only outside of it.
    enum Voice: Sendable {
        /// The process or its runtime, on a line without a logger's prefix.
        case process
        /// As `process`, and the engine's own handler through the engine's logger in one of these categories.
        case engine(Set<String>)
        /// As `process`, and the program's logger at level error or worse.
        case logger
        /// Anyone: the parser checks the source itself, or the report is not a crash.
        case anyone
    }

    /// Where a report's own text begins on the line of its anchor.
    enum Start: Sendable {
        /// At the anchor.
        case anchor
        /// After the logger's prefix, with text of its own before the anchor.
        case afterPrefix
        /// At the last occurrence of these words before the anchor; at the anchor if there is none.
        case before(String)
    }

    /// What the format says about the process.
    enum Ending: Sendable {
        /// It printed this because it was dying.
        case ended
        /// It lived on.
        case survived
        /// Each report's own words decide, or the lines around it.
        case saysItself
    }

    /// How the report's own words lead a signature.
    enum Lead: Sendable {
        /// They do not: only the frames and the signal are used.
        case none
        /// `assert | condition`.
        case assertion
        /// `assert | …` or `ensure | …`, by the exception's name.
        case check
        /// `abort | message`.
        case abort
        /// `terminate | type`.
        case terminate
        /// The exception's type or word; without one, the detector's name.
        case word
        /// The exception's type.
        case exception
    }

    /// The detector's name in records.
    let name: String
    /// Further detector names of the records it makes.
    var kinds: [String] = []
    let anchors: [Anchor]
    var voice = Voice.process
    var start = Start.anchor
    let ending: Ending
    /// How much a record with frames says, compared with others of the same death; a dump has 60.
    var rank = 50
    var rankWithoutFrames = 15
    var lead = Lead.none
    /// Words before the first colon, or in brackets, with which its reports may begin; `*` for any program's name. Any
    /// other word there is a speaker's name.
    var openingWords: Set<String> = []
    /// True for messages of a shell, a supervisor or the kernel, which say only that a process died.
    var isWord = false
    /// True for handlers that print message and stack separately, so that two reports may describe one death.
    var printsInParts = false
    /// True for exceptions that end an interpreter, which leaves no dump.
    var leavesNoDump = false
    /// Names that its frames, and those of dumps of the same runtime, are signed by.
    var runtime = RuntimeNames()
    /// True for a frame of the reporting runtime above the program's own frames, where a name alone does not tell.
    var reports: (@Sendable (CrashFrame) -> Bool)?
    /// True for a line that the process prints last: no later line is its own.
    var closes: (@Sendable (String) -> Bool)?
    /// Parses the report at an anchor; nil if there is none.
    let parse: @Sendable (ReportLines) -> TextReport?
}
