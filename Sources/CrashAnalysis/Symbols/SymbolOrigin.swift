public import Model

/// Where symbols are of which a ``SymbolStore`` has only copies: the bucket of a shared store.
///
/// Whoever reads symbols asks it to fetch those that a crash needs, then reads the ``SymbolStore`` as if it held all.
public protocol SymbolOrigin: Sendable {
    /// Which of these build ids, debug ids and digests of first pages have symbols. Blocks.
    ///
    /// - Throws: when that cannot be determined now.
    func present(among identities: Set<String>) throws -> Set<String>

    /// Copies the symbols that crashes need into the local ``SymbolStore``, those that are there already excepted. Blocks.
    ///
    /// - Returns: keeps the copies from being removed until it is freed; what could not be copied is in
    ///   ``FetchedSymbols/failures``.
    func fetch(for records: [CrashRecord]) -> FetchedSymbols
}

/// Symbols that were copied for a use. The files stay until this is freed.
public final class FetchedSymbols: Sendable {
    /// Symbols that exist and could not be copied.
    public struct Failure: Sendable, Equatable {
        /// The build id, debug id or digest of a first page; nil if no symbols could be looked up.
        public var identity: String?
        /// Where they are, for messages.
        public var place: String
        /// Why they could not be copied, in a few words.
        public var reason: String

        /// Creates a failure.
        public init(identity: String?, place: String, reason: String) {
            self.identity = identity
            self.place = place
            self.reason = reason
        }
    }

    /// What could not be copied.
    public let failures: [Failure]
    private let held: [any Sendable]

    /// The most failures that are noted on one crash.
    private static let mostNotes = 8

    /// Creates a result.
    ///
    /// - Parameter held: objects that keep the files from being removed while they exist.
    public init(failures: [Failure] = [], holding held: [any Sendable] = []) {
        self.failures = failures
        self.held = held
    }

    /// Records on a crash which of its symbols could not be copied, so that it is signed again when they can be.
    public func note(on record: inout CrashRecord) {
        guard !failures.isEmpty else { return }
        let own = Set(record.symbolIdentities.map { $0.lowercased() })
        let concerned = failures.filter { $0.identity.map { own.contains($0.lowercased()) } ?? !own.isEmpty }
        for failure in concerned.prefix(Self.mostNotes) {
            record.noteSymbolsUnread("\(failure.reason) (\(failure.place))")
        }
        if concerned.count > Self.mostNotes {
            record.noteSymbolsUnread("\(concerned.count - Self.mostNotes) more files")
        }
        let unread = Set(concerned.compactMap { $0.identity?.lowercased() })
        for index in record.modules.indices where record.modules[index].symbols == .missing {
            let module = record.modules[index]
            let names = [module.buildID, module.debugID, module.firstPage].compactMap { $0?.lowercased() }
            if names.contains(where: unread.contains) { record.modules[index].symbols = .unreadable }
        }
    }
}

extension CrashRecord {
    /// The build ids, debug ids and digests of first pages under which symbols for this crash are looked up, those of its
    /// own stack first, each once.
    public var symbolIdentities: [String] {
        var found: [String] = []
        var seen: Set<String> = []
        func note(_ identity: String?) {
            if let identity, seen.insert(identity).inserted { found.append(identity) }
        }
        for frame in frames { note(frame.buildID) }
        for module in modules {
            note(module.buildID)
            note(module.debugID)
            if module.buildID == nil, module.debugID == nil { note(module.firstPage) }
        }
        for frame in threads.lazy.flatMap(\.frames) { note(frame.buildID) }
        return found
    }
}
