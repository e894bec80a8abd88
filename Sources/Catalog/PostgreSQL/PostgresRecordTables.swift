extension PostgresSchema {
    /// What people decided, and symbols.
    ///
    /// The key of `journal` orders its writers: a line is numbered after the last one that its writer read, and the number
    /// can be taken once. `pins` names sessions by their ids, so that a pin outlives a session's row. `symbol` says what the
    /// bucket has under `key`: `name` is that of the module for symbols that are found by it and empty for a GNU build id,
    /// `detail` compares two files of one build (0 code, 1 a symbol table, 2 debug information), and `etag` is the bucket's
    /// word for the object that the row describes.
    static let recordTables = """
        CREATE TABLE journal(
            kind text COLLATE "C" NOT NULL, seq bigint NOT NULL, at bigint NOT NULL, line bytea NOT NULL,
            PRIMARY KEY(kind, seq));
        CREATE TABLE pins(session text COLLATE "C" NOT NULL PRIMARY KEY, at bigint NOT NULL, by text COLLATE "C");
        CREATE TABLE symbol(
            identity text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
            key text COLLATE "C" NOT NULL, bytes bigint NOT NULL, sha256 bytea NOT NULL, etag text COLLATE "C" NOT NULL,
            detail bigint NOT NULL, added bigint NOT NULL, PRIMARY KEY(identity, kind, name));
        """
}
