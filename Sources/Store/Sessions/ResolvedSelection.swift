import Model

extension Store {
    /// A selection as the catalog understands it, with the signatures that its states and short ids mean.
    ///
    /// Its states stay: with them, a selection whose states no signature has selects nothing instead of everything.
    ///
    /// - Throws: as ``resolved(_:)`` does.
    func selected(_ selection: Selection) throws -> Selection {
        guard !selection.signatures.isEmpty || !selection.signatureStates.isEmpty else { return selection }
        var resolved = try resolved(selection)
        resolved.signatureStates = selection.signatureStates
        return resolved
    }
}
