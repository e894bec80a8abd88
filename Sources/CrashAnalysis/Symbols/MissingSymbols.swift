/// Counts the build ids without symbols: those of modules in which a frame of a crashing thread has no name.
public struct MissingSymbols {
    /// One build id that the store does not have.
    public struct Entry: Sendable, Equatable {
        /// GNU build id, or Breakpad debug id.
        public var identity: String
        /// The module's file name.
        public var module: String
        /// The number of crashes with such a frame.
        public var crashes: Int
        /// The builds of those crashes, as `image:tag`, sorted; at most 100.
        public var builds: [String]
    }

    private struct Count {
        var module: String
        var crashes = 0
        var builds: Set<String> = []
    }

    /// The folder to look into; nil if ``listed`` has all.
    private let store: SymbolStore?
    private var counts: [String: Count] = [:]
    private var stored: [String: Bool] = [:]
    private let listed: Set<String>
    /// What of the store cannot be read now. It may have symbols that seem missing; build ids of which it cannot be
    /// determined now whether the store has them are not counted.
    public private(set) var unread: [CrashError]

    /// Counts the symbols that `store` lacks.
    public init(_ store: SymbolStore) {
        self.store = store
        let survey = store.survey()
        listed = Set(survey.entries.lazy.filter { $0.kind == .breakpad }.map(\.identity))
        unread = survey.unread
    }

    /// Counts the symbols that are not among `present`.
    public init(present: Set<String>) {
        store = nil
        listed = present
        unread = []
    }

    /// Adds `crashes` crashes of one build to each build id that the store lacks; `waiting` maps build ids to module
    /// names.
    public mutating func add(_ waiting: [String: String], build: String, crashes: Int = 1) {
        for (identity, module) in waiting {
            if mayHave(identity) { continue }
            var count = counts[identity] ?? Count(module: module)
            count.crashes += crashes
            if count.builds.count < 100 { count.builds.insert(build) }
            counts[identity] = count
        }
    }

    private mutating func mayHave(_ identity: String) -> Bool {
        if let known = stored[identity] { return known }
        var found = listed.contains(identity)
        if !found, let store {
            found = true
            do throws(CrashError) { found = try store.has(buildID: identity) } catch { unread.append(error) }
        }
        stored[identity] = found
        return found
    }

    /// The missing build ids, those with most crashes first.
    public var entries: [Entry] {
        counts.map {
            Entry(
                identity: $0.key, module: $0.value.module, crashes: $0.value.crashes,
                builds: $0.value.builds.filter { !$0.isEmpty }.sorted())
        }.sorted { ($1.crashes, $0.module, $0.identity) < ($0.crashes, $1.module, $1.identity) }
    }
}
