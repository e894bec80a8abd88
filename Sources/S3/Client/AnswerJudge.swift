internal import Calendar
internal import Clocks
internal import Text
internal import XML

/// Reads what an answer without success means.
struct AnswerJudge: Sendable {
    let purpose: String
    let key: String
    let bucket: String
    let region: String

    /// The longest text of a server that is shown.
    private static let mostWords = 200

    /// The fault that an answer stands for.
    /// - Parameters:
    ///   - answer: has a status that is no success, or a document of an error in its body.
    ///   - stamped: the time that the request was stamped with, in milliseconds since 1970.
    ///   - now: the time by the clock, in milliseconds since 1970.
    func fault(_ answer: S3Answer, stamped: Int64, now: Int64) -> S3Fault {
        let document = try? XMLReader.root(of: answer.body)
        let root = document?.name == "Error" ? document : document?["Error"]
        let code = root?.text(of: "Code").flatMap { $0.isEmpty ? nil : Escape.display(String($0.prefix(64))) }
        let words = root?.text(of: "Message").flatMap {
            $0.isEmpty ? nil : Escape.display(String($0.prefix(Self.mostWords)))
        }
        var fault = judged(answer, code)
        // A server that only says so does not say which.
        let explained = code == "NoSuchBucket" ? "there is no bucket \(Escape.display(bucket))" : words
        let said = [code, explained].compactMap(\.self).joined(separator: ": ")
        let status = answer.status == 200 ? "an error in an answer with status 200" : "HTTP \(answer.status)"
        fault.error.message = "cannot \(purpose): " + (said.isEmpty ? status : "\(said) (\(status))")
        fault.error.status = answer.status
        let request = answer.header("x-amz-request-id").map { Escape.display(String($0.prefix(64))) }
        fault.error.identifier = [code, request].compactMap(\.self).joined(separator: " ")
        if fault.error.identifier?.isEmpty == true { fault.error.identifier = nil }
        if let skew = skew(answer, code, stamped: stamped, now: now) {
            fault.retry = .clock(skew)
            fault.error.code = .denied
            fault.error.hint = "this machine's clock differs from the server's by \(skew / 1000) s: correct it"
        }
        if let other = otherRegion(answer, root) {
            fault.retry = .no
            fault.error.code = .invalid
            fault.error.hint = "the bucket is in the region \(other), not in \(region): set region: \(other)"
        }
        return fault
    }

    private func fault(
        _ code: S3Error.Code, _ retry: S3Fault.Retry, hint: String? = nil, after: Int64? = nil
    ) -> S3Fault {
        S3Fault(error: S3Error(code, "", key: key, hint: hint), retry: retry, after: after)
    }

    private func judged(_ answer: S3Answer, _ code: String?) -> S3Fault {
        let after = answer.header("retry-after").flatMap { Int64($0) }.map { min(max(0, $0), 60) * 1000 }
        switch code ?? "" {
        case "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "TooManyRequests",
            "RequestLimitExceeded", "BandwidthLimitExceeded":
            return fault(.unavailable, .slower, after: after)
        case "RequestTimeout", "InternalError", "OperationAborted", "ConditionalRequestConflict", "BadDigest",
            "XAmzContentSHA256Mismatch", "IncompleteBody":
            // The digests are right when they leave: what arrived was changed on the way.
            return fault(.unavailable, .yes, after: after)
        case "NoSuchKey", "NoSuchUpload": return fault(.absent, .no)
        case "NoSuchBucket":
            let name = Escape.display(bucket)
            return fault(
                .invalid, .no, hint: "create the bucket \(name), or correct its name in packs: or the endpoint in s3:")
        case "PreconditionFailed": return fault(.exists, .no)
        case "ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired":
            return fault(.denied, .otherKeys, hint: "the temporary keys have expired: renew them")
        case "InvalidAccessKeyId": return fault(.denied, .otherKeys, hint: "check the access key id")
        case "SignatureDoesNotMatch":
            return fault(.denied, .no, hint: "check the secret access key; a proxy that changes paths also causes this")
        case "QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "InsufficientCapacity":
            return fault(.full, .no, hint: "delete objects or raise the quota of the bucket and its owner")
        case "AccessDenied", "AllAccessDisabled", "AccountProblem":
            return fault(.denied, .no, hint: "allow this key the action on the bucket and its prefix")
        default: return byStatus(answer.status, hasCode: code != nil, after: after)
        }
    }

    private func byStatus(_ status: Int, hasCode: Bool, after: Int64?) -> S3Fault {
        switch status {
        case 200: return fault(.unavailable, .yes)
        case 401, 403: return fault(.denied, .no, hint: "check the keys, and what they are allowed to do")
        // A page of a proxy does not say that an object is absent.
        case 404 where !hasCode:
            return fault(.unavailable, .no, hint: "the endpoint does not answer as S3 does: check its address")
        case 412: return fault(.exists, .no)
        case 408, 425: return fault(.unavailable, .yes, after: after)
        case 429, 503: return fault(.unavailable, .slower, after: after)
        case 501, 505: return fault(.refused, .no)
        case 507: return fault(.full, .no, hint: "the server has no room left")
        case 500...: return fault(.unavailable, .yes, after: after)
        default: return fault(.refused, .no)
        }
    }

    /// How far the server's clock is ahead of ours if that is why it refused, in milliseconds.
    private func skew(_ answer: S3Answer, _ code: String?, stamped: Int64, now: Int64) -> Int64? {
        // An answer to HEAD has no body and so no code; servers accept 15 minutes.
        guard code == "RequestTimeTooSkewed" || code == nil && answer.status == 403,
            let server = answer.header("date").flatMap(HTTPDate.seconds)
        else { return nil }
        let far = server &* 1000 &- stamped
        guard code != nil || far.magnitude > 5 * 60_000 else { return nil }
        return server &* 1000 &- now
    }

    private func otherRegion(_ answer: S3Answer, _ root: XMLElement?) -> String? {
        guard [301, 307, 400, 403].contains(answer.status) else { return nil }
        let named = answer.header("x-amz-bucket-region") ?? root?.text(of: "Region")
        guard let named, !named.isEmpty, named.utf8.count <= 64, !named.hasSameBytes(as: region) else { return nil }
        return Escape.display(named)
    }
}
