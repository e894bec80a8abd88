import Catalog
import Model
import Pack
import Terminal
import Text

extension SessionPack {
    /// Returns the index of the member that holds a member's bytes: itself, or the target of a hard link.
    ///
    /// - Throws: ``StoreError`` for a symbolic link, which is not followed, and for a hard link without content.
    public func content(of index: Int) throws -> Int {
        let member = reader.members[index]
        guard let target = member.linkTarget, member.size == 0 else { return index }
        let name = "'\(Escape.path(target))'"
        let problem: String
        switch reader.linkedContent(of: index) {
        case .member(let content): return content
        case .missing: problem = "the member is a hard link to \(name), which was not collected"
        case .loop: problem = "the member is a hard link to \(name), which leads back to itself"
        case .unreadable(let kind): problem = "the member is a hard link to \(name), which has no content: \(kind.name)"
        case nil: problem = "the member is a symbolic link to \(name)"
        }
        throw StoreError(
            .isLink, problem, session: session.session, path: Escape.path(member.path), kind: .notFound)
    }

    /// Whether a member, or the target of a hard link, is text.
    public func isText(_ index: Int) -> Bool {
        guard case .member(let content) = reader.linkedContent(of: index) else {
            return reader.members[index].kind.isText
        }
        return reader.members[content].kind.isText
    }
}
