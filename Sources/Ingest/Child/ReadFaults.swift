import Synchronization

/// Local read failures during crash analysis. The dump readers take a failed read for the end of a damaged dump and
/// continue; a pack with such results must not be published.
enum ReadFaults {
    private static let kept = Mutex<IngestError?>(nil)

    /// The first failure, if any.
    static var first: IngestError? { kept.withLock { $0 } }

    static func note(_ message: String) {
        kept.withLock { $0 = $0 ?? IngestError(.packFailed, message) }
    }
}
