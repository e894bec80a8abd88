internal import Text

/// Checks that the answer to a GET is what was asked for.
enum RangeCheck: Sendable {
    case whole(String)
    /// These bytes, fewer only at the object's end.
    case range(Range<UInt64>, String)
    /// So many bytes at the object's end.
    case suffix(Int, String)

    private var key: String {
        switch self {
        case .whole(let key), .range(_, let key), .suffix(_, let key): key
        }
    }

    /// What is wrong with a success; nil if nothing.
    /// - Parameter etag: the tag that the object must have.
    func fault(_ answer: S3Answer, etag: String?) -> S3Fault? {
        if let etag, let own = answer.etag, !own.hasSameBytes(as: etag) {
            // The server ignored If-Match, which some do.
            return damaged("the object was replaced while it was read", .no)
        }
        switch self {
        case .whole: return nil
        case .range(let range, _):
            return partFault(answer) { size in range.lowerBound..<max(range.lowerBound, min(range.upperBound, size)) }
        case .suffix(let count, _): return partFault(answer) { size in (size - min(UInt64(count), size))..<size }
        }
    }

    private func partFault(_ answer: S3Answer, _ expected: (UInt64) -> Range<UInt64>) -> S3Fault? {
        guard answer.status == 206 else {
            // A server may answer with the whole object if that is what the range is.
            guard expected(UInt64(answer.body.count)) == 0..<UInt64(answer.body.count) else {
                return damaged("the answer is not the range that was asked for", .yes)
            }
            return nil
        }
        guard let part = answer.contentRange, part.range == expected(part.size) else {
            return damaged("the answer is another range than was asked for", .yes)
        }
        guard part.range.count == answer.body.count else {
            return damaged("the range has \(answer.body.count) of \(part.range.count) bytes", .yes)
        }
        return nil
    }

    private func damaged(_ words: String, _ retry: S3Fault.Retry) -> S3Fault {
        S3Fault(error: S3Error(.damaged, words, key: key), retry: retry)
    }
}
