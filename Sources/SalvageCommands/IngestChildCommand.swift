import Ingest

/// The hidden commands under which the program runs as the confined child of an ingest or of an analysis; see
/// `IngestProcess` and `AnalysisProcess`.
///
/// They are recognised before the argument parser is set up: a child has nothing to parse and no time to lose.
enum IngestChild {
    static func runIfAsked(_ arguments: [String]) -> Int32? {
        switch arguments {
        case [IngestProcess.command]: IngestWorker.main()
        case [AnalysisProcess.command]: AnalysisWorker.main()
        default: nil
        }
    }
}
