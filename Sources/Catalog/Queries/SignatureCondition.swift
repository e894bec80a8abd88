import Model
import Text

/// The condition that a crash `c` has, or once had, one of the signatures that a selection names.
struct SignatureCondition {
    /// The condition. It names the signatures by number, so that hundreds of them are one short list.
    let sql: String

    /// The condition; nil if the selection names no signature and no state of one, so that every crash meets it.
    ///
    /// Each name is the text of a signature, else a glob. Signatures contain stars and brackets, so a text that a signature
    /// has means that one only. A state that nobody turned into signatures, or that no signature has, matches no crash:
    /// a selection must never become wider than what was asked, because sessions are deleted by it.
    init?(_ selection: Selection, on connection: any SQLConnection) throws(CatalogError) {
        let names = selection.signatures
        guard !names.isEmpty || !selection.signatureStates.isEmpty else { return nil }
        var ids = Set<Int64>()
        let exact = try connection.prepare("SELECT id FROM signatures WHERE text = ?1")
        for name in names {
            exact.bind(1, name)
            var isText = false
            while try exact.step() {
                isText = true
                ids.insert(exact.integer(0))
            }
            let glob = Glob(name)
            guard !isText, glob.literal == nil else { continue }
            let condition = connection.glob("text", glob)
            let matching = try connection.prepare("SELECT id FROM signatures WHERE \(condition.sql)")
            matching.bind([condition.value])
            while try matching.step() { ids.insert(matching.integer(0)) }
        }
        guard !ids.isEmpty else {
            sql = "1 = 0"
            return
        }
        let list = ids.sorted().map(String.init).joined(separator: ",")
        // Earlier signatures of a crash match too. Mostly there are none, and the index alone suffices.
        let isAlias = try connection.integer("SELECT 1 FROM aliases WHERE signature IN (\(list)) LIMIT 1") != nil
        let earlier = " OR c.id IN (SELECT crash FROM aliases WHERE signature IN (\(list)))"
        sql = isAlias ? "(c.signature IN (\(list))\(earlier))" : "c.signature IN (\(list))"
    }
}
