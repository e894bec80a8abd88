extension PostgresSchema {
    /// Which packs have no filters in the bucket yet.
    ///
    /// `segment`, among the tables of work, lists the objects of filters. `unfiltered` has a row for each pack from the moment
    /// a session's row names it, whoever wrote that row, until an object of filters that contains it is listed; the row then
    /// names the object, and is kept for a while for searches that listed the objects before. A search asks these packs
    /// directly, so a pack is never missed, whatever becomes of its filters.
    static let filterTables = """
        CREATE TABLE unfiltered(
            pack text COLLATE "C" PRIMARY KEY, segment text COLLATE "C",
            added timestamptz NOT NULL DEFAULT clock_timestamp(), filtered timestamptz);
        CREATE FUNCTION note_unfiltered() RETURNS trigger LANGUAGE plpgsql AS '
            BEGIN
                INSERT INTO unfiltered(pack) VALUES(NEW.pack) ON CONFLICT(pack) DO NOTHING;
                RETURN NULL;
            END';
        CREATE TRIGGER sessions_unfiltered_new AFTER INSERT ON sessions
            FOR EACH ROW WHEN (NEW.pack IS NOT NULL) EXECUTE FUNCTION note_unfiltered();
        CREATE TRIGGER sessions_unfiltered_changed AFTER UPDATE OF pack ON sessions
            FOR EACH ROW WHEN (NEW.pack IS NOT NULL AND NEW.pack IS DISTINCT FROM OLD.pack)
            EXECUTE FUNCTION note_unfiltered();
        CREATE INDEX unfiltered_segment ON unfiltered(segment);
        CREATE INDEX segment_replaced ON segment(replaced) WHERE replaced IS NOT NULL;
        """
}
