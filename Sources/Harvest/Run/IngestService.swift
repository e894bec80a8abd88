public import CrashAnalysis
import Dispatch
public import Ingest
public import PackHome
public import SalvageConfiguration

/// Turns downloads into a pack. The implementation must isolate itself from hostile bytes.
public protocol IngestService: Sendable {
    /// Makes, syncs and publishes the pack.
    ///
    /// - Throws: When no pack could be made. Every error is treated as a local failure: the downloads stay in the spool
    ///   and are tried again. ``HarvestError`` with `storeUnusable` means that the disk is full.
    func ingest(_ request: IngestRequest) async throws -> IngestOutcome
}

/// Packs in confined children, under the configuration that is in force when each session is packed.
public struct ChildIngest: IngestService {
    private let store: String
    private let home: any PackHome
    private let current: CurrentConfiguration
    private let symbols: (any SymbolOrigin)?
    private let queue = DispatchQueue(label: "salvage.ingest", attributes: .concurrent)

    /// Makes an ingest into a store, whose packs are in `home`. `symbols` has the symbols of a shared store.
    public init(
        store: String, home: any PackHome, current: CurrentConfiguration, symbols: (any SymbolOrigin)? = nil
    ) {
        self.symbols = symbols
        self.store = store
        self.home = home
        self.current = current
    }

    /// Packs on a thread of its own, which waits for the child.
    public func ingest(_ request: IngestRequest) async throws -> IngestOutcome {
        try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(
                    with: Result {
                        try StoreIngest(
                            store: store, home: home, configuration: current.value, symbols: symbols
                        ).pack(request)
                    })
            }
        }
    }
}

extension StoreIngest {
    /// Makes an ingest with the configured limits, redaction and signature rules.
    public init(
        store: String, home: any PackHome, configuration: Configuration, symbols: (any SymbolOrigin)? = nil
    ) {
        self.init(
            store: store, home: home, limits: IngestLimits(configuration),
            redactions: configuration.redact, signatures: configuration.signatures, symbols: symbols)
    }
}

extension IngestLimits {
    /// The configured limits on one archive and its reader, and the barriers that may be missing.
    public init(_ configuration: Configuration) {
        self.init()
        allowMissing = configuration.confinement.allowMissing
        unpack = configuration.limits.unpack
    }
}
