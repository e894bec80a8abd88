import Model
import Pack
import Text
import Unpack

extension ArtifactEntry {
    /// Judges the artifact by the verdict on one of its downloads: the only place that derives an artifact's state from
    /// what was found in it.
    ///
    /// The child judges the rows that it writes into the pack, the parent those that it commits, from the validated
    /// verdicts. Of several downloads, the one with the best state decides; if two are equal, the earlier.
    ///
    /// - Parameter isFirst: whether it is the verdict on the artifact's first download.
    mutating func judge(by verdict: ArtifactVerdict, isFirst: Bool) {
        let (state, reason) = verdict.judgement
        guard isFirst || state.worth > self.state.worth else { return }
        self.state = state
        self.reason = reason
        self.verdict = verdict.verdict
        flags = verdict.flags
    }
}

extension ArtifactState {
    /// A rank by how much of the artifact there is; the higher of two states of one artifact stands.
    var worth: Int {
        switch self {
        case .collected: 3
        case .incomplete: 2
        case .absent, .skipped: 1
        case .pending, .failed, .lost: 0
        }
    }
}

extension ArtifactVerdict {
    /// The state of an artifact with only this download, and the reason unless it is `collected`.
    fileprivate var judgement: (state: ArtifactState, reason: String?) {
        switch verdict {
        case .ok where isCut:
            return (entries > 0 ? .incomplete : .failed, "the download was cut off")
        case .ok where entries == 0:
            // Some servers return an empty archive for a path that does not exist. The archive of an empty folder has
            // the folder itself as an entry.
            return (.absent, "the archive has no entries: the path does not exist")
        case .ok:
            return (.collected, nil)
        case .notAnArchive:
            let begins = head.map { $0.isEmpty ? "; it is empty" : "; it starts with: \($0)" } ?? ""
            return (.failed, "the download is not an archive\(begins)")
        default:
            let why = firstError ?? (flags.isEmpty ? "" : flags.joined(separator: ", "))
            let kept = counted(entries, "entry", "entries")
            return (
                entries > 0 ? .incomplete : .failed,
                "the archive is \(verdict.rawValue)\(why.isEmpty ? "" : ": \(why)"); \(kept) kept"
            )
        }
    }
}
