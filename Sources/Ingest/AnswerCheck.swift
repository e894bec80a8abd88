import Pack
import Unpack

/// What a child says is believed no further than bytes from a container: hostile bytes may have taken it over.
enum AnswerCheck {
    /// Errors that a child may report; anything else it says is none of ours.
    private static let codes: [IngestError.Code] = [
        .noSpace, .packFailed, .unpackable, .badRule, .unconfined, .unreadable, .protocolMismatch,
    ]
    static let mostText = 4096
    static let mostFlags = 64
    static let mostFlag = 128

    /// The error that a child reports.
    static func error(_ code: String, _ message: String?, missing: [String]?) -> IngestError {
        guard let known = codes.first(where: { $0.rawValue == code }) else {
            return nonsense("an error of no known kind")
        }
        var error = IngestError(known, text(message ?? code))
        error.missing = Barriers.all.filter { missing?.contains($0) == true }
        return error
    }

    /// The error for an answer that an honest child does not give.
    static func nonsense(_ what: String) -> IngestError {
        IngestError(.died, "the ingest child's answer cannot be believed: it holds \(what)")
    }

    /// A text without control characters, and of bounded length.
    static func text(_ text: String, limit: Int = mostText) -> String {
        let clean = text.unicodeScalars.prefix(limit).map { scalar in
            scalar.properties.generalCategory == .control ? Unicode.Scalar(UInt8(ascii: ".")) : scalar
        }
        var result = ""
        result.unicodeScalars.append(contentsOf: clean)
        return text.unicodeScalars.count > limit ? result + "…" : result
    }

    /// A verdict with bounded texts.
    ///
    /// - Throws: ``IngestError`` for a word that is no verdict.
    static func verdict(_ said: ArtifactVerdict) throws(IngestError) -> ArtifactVerdict {
        guard Verdict(rawValue: said.verdict) != nil else { throw nonsense("a verdict that is none") }
        var verdict = said
        verdict.flags = said.flags.prefix(mostFlags).map { text($0, limit: mostFlag) }
        verdict.firstError = said.firstError.map { text($0) }
        verdict.head = said.head.map { text($0) }
        return verdict
    }
}

extension IngestAnswer {
    /// The answer as far as it can be believed.
    ///
    /// - Throws: ``IngestError``: what the child reports, or that its answer does not belong to the job.
    func checked(for job: IngestJob) throws(IngestError) -> IngestAnswer {
        if let errorCode { throw AnswerCheck.error(errorCode, error, missing: missing) }
        var answer = self
        guard members >= 0, crashes >= 0 else { throw AnswerCheck.nonsense("a negative number") }
        if job.isProbe { return answer }
        guard verdicts.count == job.inputs.count, zip(verdicts, job.inputs).allSatisfy({ $0.artifact == $1.artifact })
        else { throw AnswerCheck.nonsense("verdicts on other downloads than it was given") }
        for index in verdicts.indices { answer.verdicts[index] = try AnswerCheck.verdict(verdicts[index]) }
        return answer
    }
}
