import Model
import Text

/// Checks decisions before they are written, whoever makes them.
enum DecisionCheck {
    /// The longest note, in bytes.
    private static let longestNote = 16 << 10
    /// The longest name, tag or link, in bytes.
    private static let longestWord = 2048
    /// The longest signature, in bytes.
    private static let longestSignature = 64 << 10

    /// Checks a decision by itself.
    ///
    /// - Throws: ``StoreError`` with `usage`.
    static func check(_ decision: Decision, now: Int64) throws(StoreError) {
        try text(decision.signature, "the signature", longestSignature)
        try text(decision.author, "the author's name", longestWord)
        if let note = decision.note { try text(note, "the note", longestNote) }
        if let ticket = decision.ticket { try link(ticket) }
        switch decision.action {
        case .resolve(let tag?): try text(tag, "the tag", longestWord)
        case .assign(let owner?): try text(owner, "the owner's name", longestWord)
        case .merge(let into): try text(into, "the other signature", longestSignature)
        case .ignore(let until, let crashes):
            if let until, until <= now {
                throw refusal(
                    "the time until which it is ignored has passed", "give a time in the future, such as a date")
            }
            if let crashes, crashes < 1 {
                throw refusal("the number of crashes must be at least 1", "leave it out to ignore all")
            }
        case .note where decision.note == nil && decision.ticket == nil:
            throw refusal("there is neither a note nor a ticket", "give one of them")
        case .resolve(nil), .reopen, .assign(nil), .unmerge, .note: break
        }
    }

    /// The decision as the journal gets it: a decision about a merged signature is one about the signature that it is
    /// merged into.
    ///
    /// - Throws: ``StoreError`` with `usage` for a merge or its end that is not possible.
    static func accepted(_ decision: Decision, by standings: Standings) throws(StoreError) -> Decision {
        var decision = decision
        let target = standings.target(of: decision.signature)
        switch decision.action {
        case .merge(let into):
            let end = standings.target(of: into)
            guard !end.hasSameBytes(as: target) else {
                throw refusal(
                    decision.signature.hasSameBytes(as: into)
                        ? "a signature cannot be merged into itself"
                        : "the crashes of both signatures count as those of '\(target)' already",
                    "salvage crashes decisions shows what is merged")
            }
            decision.action = .merge(into: end)
        case .unmerge:
            guard !target.hasSameBytes(as: decision.signature) else {
                throw refusal(
                    "the signature is not merged into another", "salvage crashes decisions shows what is merged")
            }
        case .resolve, .ignore, .reopen, .assign, .note: decision.signature = target
        }
        return decision
    }

    private static func text(_ text: String, _ what: String, _ longest: Int) throws(StoreError) {
        guard !text.isEmpty else { throw refusal("\(what) is empty", nil) }
        guard text.utf8.count <= longest else {
            throw refusal("\(what) is longer than \(counted(longest, "byte"))", "shorten it")
        }
    }

    /// Others click on the link: one such as `javascript:…` must not be stored.
    private static func link(_ text: String) throws(StoreError) {
        let schemes = ["https://", "http://"]
        let isLink =
            schemes.contains { scheme in
                let begin = text.utf8.prefix(scheme.utf8.count).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
                return begin.elementsEqual(scheme.utf8) && text.utf8.count > scheme.utf8.count
            } && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        guard isLink, text.utf8.count <= longestWord else {
            throw refusal(
                "the ticket is not an http or https link", "give the whole address, such as https://tracker/GAME-123")
        }
    }

    private static func refusal(_ message: String, _ hint: String?) -> StoreError {
        StoreError(.usage, message, hint: hint, kind: .invalid)
    }
}
