import Catalog
import Model
import Text

extension Store {
    /// The signature that `name` means, over the whole store: its id, its text, the id of a crash or a session with it, a
    /// unique part of its text (in any case if `name` is in lower case), or a unique prefix of a crash's or session's id.
    ///
    /// - Throws: ``StoreError`` with `signatureNotFound`, or with `ambiguousSignature` and the first candidates; as
    ///   ``signatures(_:now:)`` does.
    public func signature(named name: String, now: Int64) throws -> SignatureOverview {
        let standings = try standings()
        return try overview(of: try signatureText(named: name, standings), standings, now: now)
    }

    /// The signatures that `name` says are merged: one that is merged into another, else all that are merged into the
    /// signature that it means.
    ///
    /// - Throws: ``StoreError`` with `usage` if nothing is merged; as ``signature(named:now:)`` does.
    public func mergedSignatures(named name: String) throws -> [String] {
        let standings = try standings()
        let merged = standings.targets.keys.sorted { $0.precedesInBytes($1) }
        if let exact = merged.first(where: { $0.hasSameBytes(as: name) || SignatureView.id($0).hasSameBytes(as: name) })
        {
            return [exact]
        }
        let text = try signatureText(named: name, standings)
        if standings.targets[text] != nil { return [text] }
        let others = standings.merged(into: text)
        guard !others.isEmpty else {
            throw StoreError(
                .usage, "nothing is merged into '\(text)', and it is not merged into another signature",
                hint: "salvage crashes decisions shows what is merged", kind: .invalid)
        }
        return others
    }

    /// The text of the signature that `name` means. Names of several signatures that are merged mean their group.
    private func signatureText(named name: String, _ standings: Standings) throws -> String {
        guard !name.isEmpty else { throw Self.notFound(name) }
        var texts = ByteSet(try catalog().signatureTexts())
        texts.formUnion(try catalog().signatureTexts(errors: true))
        texts.formUnion(standings.named)
        if texts.contains(name) { return name }
        if let found = Self.text(withID: name, texts) { return found }
        let rows: [CrashRow]
        var ambiguity: CatalogError?
        do throws(CatalogError) { rows = try catalog().crashes(named: name) } catch {
            switch error.code {
            case .unknownSession: break
            case .ambiguousSession: ambiguity = error
            default: throw error
            }
            rows = []
        }
        let isExact = rows.contains { $0.crash.hasSameBytes(as: name) || $0.session.hasSameBytes(as: name) }
        let parts = isExact ? [] : Self.texts(with: name, texts)
        let found = parts.isEmpty ? rows.map(\.signature) : parts
        let groups = ByteSet(found.map { standings.target(of: $0) })
        guard groups.count > 1 else {
            if let only = found.first { return found.count == 1 ? only : standings.target(of: only) }
            if let ambiguity { throw ambiguity }
            if try catalog().session(name) != nil {
                throw StoreError(
                    .signatureNotFound, "the session has no crash", session: name, hint: "salvage show \(name)",
                    kind: .notFound)
            }
            throw Self.notFound(name)
        }
        let candidates = groups.sorted { $0.precedesInBytes($1) }
        let shown = candidates.prefix(5).map { "\(SignatureView.id($0))  \($0)" }.joined(separator: "; ")
        let more = candidates.count > 5 ? "; …" : ""
        throw StoreError(
            .ambiguousSignature, "'\(name)' means \(counted(candidates.count, "signature")): \(shown)\(more)",
            hint: "give the id of one, or more of its text", kind: .invalid)
    }

    private static func text(withID id: String, _ texts: ByteSet) -> String? {
        guard id.utf8.count == 12 else { return nil }
        return texts.first { SignatureView.id($0).hasSameBytes(as: id) }
    }

    private static func texts(with part: String, _ texts: ByteSet) -> [String] {
        // As in grep's smart case: a capital letter is meant as one.
        let ignoresCase = !part.utf8.contains { $0 >= 0x41 && $0 <= 0x5A }
        func folded(_ text: String) -> [UInt8] {
            ignoresCase ? text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 } : Array(text.utf8)
        }
        let wanted = folded(part)
        return texts.filter { folded($0).firstRange(of: wanted) != nil }.sorted { $0.precedesInBytes($1) }
    }

    private static func notFound(_ name: String) -> StoreError {
        StoreError(
            .signatureNotFound, "no signature, crash or session is called '\(name)'",
            hint: "salvage crashes top lists the signatures; part of one is enough", kind: .notFound)
    }
}
