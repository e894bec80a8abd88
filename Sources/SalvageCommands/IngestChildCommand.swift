import Ingest

/// The hidden command under which the program runs as the confined child of an ingest; see `IngestProcess`.
///
/// It is recognised before the argument parser is set up: the child has nothing to parse and no time to lose.
enum IngestChild {
    static func runIfAsked(_ arguments: [String]) -> Int32? {
        arguments == [IngestProcess.command] ? IngestWorker.main() : nil
    }
}
