import Synchronization

/// Reads that the machine failed while the child looked for crashes. The readers of dumps take a failed read for the end
/// of a damaged dump and go on; what they made of it must not become a pack.
enum ReadFaults {
    private static let kept = Mutex<IngestError?>(nil)

    /// The first of them.
    static var first: IngestError? { kept.withLock { $0 } }

    static func note(_ message: String) {
        kept.withLock { $0 = $0 ?? IngestError(.packFailed, message) }
    }
}
