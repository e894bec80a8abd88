/// The result of a migration.
public struct MigrationReport: Sendable {
    /// Something that was not copied.
    public struct Gap: Sendable, Equatable {
        /// The session concerned, if any.
        public var session: String?
        /// The pack or file concerned, if any.
        public var path: String?
        /// What failed and why.
        public var message: String

        init(_ message: String, session: String? = nil, path: String? = nil) {
            self.message = message
            self.session = session
            self.path = path
        }
    }

    /// Sessions of the source when it was last read.
    public var sessions = 0
    /// Sessions whose rows were copied, or would be.
    public var copied = 0
    /// Packs that were copied, or would be.
    public var packs = 0
    /// Their size in bytes.
    public var bytes: UInt64 = 0
    /// Packs that were there already, with the same bytes, though no row named them.
    public var reused = 0
    /// Files with symbols that were copied.
    public var symbols = 0
    /// Decisions that were copied.
    public var decisions = 0
    /// Sessions that were pinned or unpinned.
    public var pins = 0
    /// Files of downloads that are not yet packed, and of followed logs, that were copied.
    public var localFiles = 0
    /// What was not copied. The store is then not marked as migrated.
    public var gaps: [Gap] = []
    /// The process that uses the source, if that kept the migration from being finished.
    public var holder: Int?
    /// The harvesters of a shared source that kept the migration from being finished.
    public var harvesters: [String] = []
    /// Whether everything is copied and the source marked; false too for a dry run and for a copy.
    public var isFinished = false
    /// Whether nothing was written.
    public var isDryRun = false
    /// Whether the source goes on as before.
    public var isCopy = false
}
