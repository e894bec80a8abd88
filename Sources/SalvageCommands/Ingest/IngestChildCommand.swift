import Ingest

/// The hidden commands under which the program runs as the confined child of an ingest, of an analysis or of a
/// verification; see `IngestProcess`, `AnalysisProcess` and `FileJudge`.
///
/// They are recognised before the argument parser is set up, because a child has nothing to parse and must start fast.
enum IngestChild {
    static func runIfAsked(_ arguments: [String]) -> Int32? {
        switch arguments {
        case [IngestProcess.command]: IngestWorker.main()
        case [AnalysisProcess.command]: AnalysisWorker.main()
        case [FileJudge.command]: JudgeWorker.main()
        default: nil
        }
    }
}
