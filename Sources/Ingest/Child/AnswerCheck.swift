import Model
import Pack
import Unpack

/// Validates a child's answer. It is as untrusted as bytes from a container, which may have compromised the child.
enum AnswerCheck {
    /// The errors that a child may report.
    private static let codes: [IngestError.Code] = [
        .noSpace, .packFailed, .unpackable, .badRule, .unconfined, .unreadable, .protocolMismatch,
    ]
    static let mostText = 4096
    static let mostFlags = 64
    static let mostFlag = 128

    /// Returns the error that a child reports.
    static func error(_ code: String, _ message: String?, missing: [String]?) -> IngestError {
        guard let known = codes.first(where: { $0.rawValue == code }) else {
            return nonsense("an unknown error code")
        }
        var error = IngestError(known, text(message ?? code))
        error.missing = Barriers.all.filter { missing?.contains($0) == true }
        return error
    }

    /// Returns the error for an answer that an intact child never gives.
    static func nonsense(_ what: String) -> IngestError {
        IngestError(.died, "the confined process's answer is invalid: it contains \(what)")
    }

    /// Returns a text without control characters and of bounded length.
    static func text(_ text: String, limit: Int = mostText) -> String {
        let clean = text.unicodeScalars.prefix(limit).map { scalar in
            scalar.properties.generalCategory == .control ? Unicode.Scalar(UInt8(ascii: ".")) : scalar
        }
        var result = ""
        result.unicodeScalars.append(contentsOf: clean)
        return text.unicodeScalars.count > limit ? result + "…" : result
    }

    /// Returns a verdict with bounded texts.
    ///
    /// - Throws: ``IngestError`` for an unknown verdict.
    static func verdict(_ said: ArtifactVerdict) throws(IngestError) -> ArtifactVerdict {
        guard ArchiveVerdict.ofUnpacker.contains(said.verdict) else { throw nonsense("an unknown verdict") }
        var verdict = said
        verdict.flags = said.flags.prefix(mostFlags).map { text($0, limit: mostFlag) }
        verdict.firstError = said.firstError.map { text($0) }
        verdict.head = said.head.map { text($0) }
        return verdict
    }
}

extension IngestAnswer {
    /// Returns the validated answer.
    ///
    /// - Throws: ``IngestError``: the error that the child reports, or `died` when the answer does not match the job.
    func checked(for job: IngestJob) throws(IngestError) -> IngestAnswer {
        if let errorCode { throw AnswerCheck.error(errorCode, error, missing: missing) }
        var answer = self
        guard members >= 0, crashes >= 0 else { throw AnswerCheck.nonsense("a negative number") }
        if job.isProbe { return answer }
        guard verdicts.count == job.inputs.count, zip(verdicts, job.inputs).allSatisfy({ $0.artifact == $1.artifact })
        else { throw AnswerCheck.nonsense("verdicts on other downloads than it was given") }
        for index in verdicts.indices {
            answer.verdicts[index] = try AnswerCheck.verdict(verdicts[index])
            answer.verdicts[index].isCut = job.inputs[index].isCut
        }
        return answer
    }
}
