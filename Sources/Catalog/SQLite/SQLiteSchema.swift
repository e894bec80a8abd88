/// The tables of `catalog.sqlite` and the steps from one version to the next.
///
/// The version is stored in `user_version`; `application_id` marks the file as ours ("SLVG"). A step is never edited
/// once released: a change is a new step. Each step creates or changes a table or an index, so that a layout can be
/// distinguished from a damaged header.
enum SQLiteSchema {
    static let applicationID: Int64 = 0x534C_5647

    static var version: Int64 { Int64(steps.count) }

    /// Brings an empty or older database up to date, in one transaction.
    static func migrate(_ connection: any SQLConnection, from current: Int64) throws(CatalogError) {
        for step in steps.dropFirst(Int(clamping: current)) { try connection.execute(step) }
        if current > 0, current < 5 { try PackRows(connection).fillWanted() }
        try connection.execute("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
    }

    static let steps = [first, pruning, aliases, packs, wanted, downloads, builds, sightings]

    /// `names` stores each image, tag, location and artifact path once, so that the crash index has six small integers
    /// per row; `sessions` repeats them as text to stay readable with `sqlite3`. Times are milliseconds since 1970,
    /// members' `mtime` nanoseconds. `at`, the sort key of every listing, is when a session ended, or when it began if
    /// the end is unknown. `survived` marks errors that did not end the process; these are not crashes.
    private static let first = """
        CREATE TABLE names(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
        CREATE TABLE sessions(
            key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            image TEXT NOT NULL DEFAULT '', tag TEXT, location TEXT, host TEXT,
            created INTEGER, first_seen INTEGER, exited INTEGER, first_seen_exited INTEGER, deadline INTEGER,
            at INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, reason TEXT, source TEXT,
            pack TEXT, pack_bytes INTEGER NOT NULL DEFAULT 0,
            members INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX sessions_at ON sessions(at, key);
        CREATE INDEX sessions_state ON sessions(state, deadline);
        CREATE TABLE labels(
            session INTEGER NOT NULL,
            key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(session, key)) WITHOUT ROWID;
        CREATE INDEX labels_key ON labels(key, value, session);
        CREATE TABLE artifacts(
            session INTEGER NOT NULL,
            artifact TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, status INTEGER, identifier TEXT,
            tries INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, first_try INTEGER, last_try INTEGER,
            verdict TEXT, flags TEXT NOT NULL DEFAULT '', sha256 TEXT, next_try INTEGER,
            PRIMARY KEY(session, artifact)) WITHOUT ROWID;
        CREATE INDEX artifacts_state ON artifacts(state, session);
        CREATE TABLE requests(
            session INTEGER NOT NULL,
            seq INTEGER NOT NULL, at INTEGER NOT NULL, artifact TEXT, endpoint TEXT NOT NULL, status INTEGER,
            bytes INTEGER NOT NULL DEFAULT 0, identifier TEXT, outcome TEXT NOT NULL,
            PRIMARY KEY(session, seq)) WITHOUT ROWID;
        CREATE TABLE members(
            session INTEGER NOT NULL,
            ordinal INTEGER NOT NULL, artifact INTEGER NOT NULL, path BLOB NOT NULL, kind INTEGER NOT NULL,
            mode INTEGER NOT NULL, mtime INTEGER NOT NULL, size INTEGER NOT NULL, stored INTEGER NOT NULL,
            sha256 BLOB NOT NULL, link_target BLOB, flags INTEGER NOT NULL,
            PRIMARY KEY(session, ordinal)) WITHOUT ROWID;
        CREATE TABLE signatures(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
        CREATE TABLE crashes(
            key INTEGER PRIMARY KEY, session INTEGER NOT NULL,
            ordinal INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, signal TEXT, exception TEXT, thread TEXT,
            at INTEGER NOT NULL, time INTEGER, signature INTEGER NOT NULL, quality TEXT, stack_hash TEXT,
            image INTEGER NOT NULL, tag INTEGER NOT NULL, location INTEGER NOT NULL,
            survived INTEGER NOT NULL, json BLOB NOT NULL, UNIQUE(session, ordinal));
        CREATE INDEX crashes_signature ON crashes(survived, signature, session, at, tag, location, image);
        CREATE INDEX crashes_at ON crashes(survived, at, key);
        CREATE INDEX crashes_id ON crashes(id);
        """

    /// When and why a session's pack was pruned; its ledger stays.
    private static let pruning = """
        ALTER TABLE sessions ADD COLUMN pruned INTEGER;
        ALTER TABLE sessions ADD COLUMN pruned_why TEXT;
        """

    /// Serves counts and sums of packs without reading the sessions' rows.
    private static let packs = "CREATE INDEX sessions_packs ON sessions(pack_bytes) WHERE pack IS NOT NULL;"

    /// Earlier signatures of a crash, keyed by the crash's id, so that they outlive a new generation of the session's
    /// pack.
    private static let aliases = """
        CREATE TABLE aliases(
            crash TEXT NOT NULL, signature INTEGER NOT NULL, PRIMARY KEY(crash, signature)) WITHOUT ROWID;
        CREATE INDEX aliases_signature ON aliases(signature, crash);
        """

    /// The files of the spool that are in a session's pack, until they are removed. Any other file is packed again.
    private static let downloads = """
        CREATE TABLE downloads(
            session INTEGER NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL, modified INTEGER NOT NULL,
            PRIMARY KEY(session, name)) WITHOUT ROWID;
        """

    /// Serves counts of sessions by build and location, without reading the sessions' rows.
    private static let builds = """
        CREATE INDEX sessions_build ON sessions(tag, image, location, at, state);
        CREATE INDEX sessions_crashed ON sessions(tag, image, location, at, crashes) WHERE crashes > 0;
        """

    /// What is remembered of signatures whose crashes were removed with their packs: per build the times of the first and
    /// the last crash and the beginning of the latest session with one, and the signatures that earlier ones
    /// became. The index serves the latest crashed sessions: that over builds has another order.
    private static let sightings = """
        CREATE TABLE sightings(
            survived INTEGER NOT NULL, signature INTEGER NOT NULL, tag INTEGER NOT NULL,
            first INTEGER NOT NULL, last INTEGER NOT NULL, began INTEGER NOT NULL,
            PRIMARY KEY(survived, signature, tag)) WITHOUT ROWID;
        CREATE TABLE successors(
            earlier INTEGER NOT NULL, signature INTEGER NOT NULL, PRIMARY KEY(earlier, signature)) WITHOUT ROWID;
        CREATE INDEX sessions_crashed_at ON sessions(at, key) WHERE crashes > 0;
        """

    /// The modules whose symbols a crash lacks, as one text shared by crashes of the same bug; 0 means none.
    private static let wanted = """
        CREATE TABLE wanted(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
        ALTER TABLE crashes ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX crashes_wanted ON crashes(survived, wanted, image, tag, at, location, session, signature);
        """
}
