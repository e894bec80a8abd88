import Catalog
public import Clocks
public import Model
import Text

extension Store {
    /// All decisions, in the order in which they were made.
    ///
    /// - Throws: ``StoreError`` if the journal cannot be read now; `CatalogError` without a store.
    public func decisions() throws -> [Decision] {
        try journal.read().decisions
    }

    /// The journal of decisions.
    var journal: DecisionJournal {
        get throws(CatalogError) { DecisionJournal(try catalog()) }
    }

    /// The catalog for what people write, also through a store that was opened for questions: an embedded store has its
    /// decisions and pins in files, beside a catalog that is only read.
    func catalogForWriting() throws(CatalogError) -> Catalog {
        isShared && isReadOnly ? try openCatalog(readOnly: false) : try catalog()
    }

    /// What the journal says now.
    func standings() throws -> Standings { try standings(journal.read().decisions) }

    /// What these decisions say about the signatures in the catalog.
    func standings(_ decisions: [Decision]) throws -> Standings {
        guard !decisions.isEmpty else { return Standings() }
        let catalog = try catalog()
        var named: ByteSet = []
        var targets: ByteSet = []
        for decision in decisions {
            named.insert(decision.signature)
            guard case .merge(let into) = decision.action else { continue }
            named.insert(into)
            targets.insert(into)
        }
        let successors = try catalog.successors(of: named.sorted { $0.precedesInBytes($1) })
        var gone: ByteSet = []
        for target in targets where successors[target] != nil {
            if try !catalog.hasCrash(CrashScope([target])) { gone.insert(target) }
        }
        return Standings(decisions, successors: successors, gone: gone)
    }

    /// The selection as the catalog understands it: states of signatures become the signatures that are in them, and a
    /// signature brings those that are merged with it.
    ///
    /// A signature is named by its text, a glob or its id.
    ///
    /// - Parameters:
    ///   - selection: with ``Selection/signatureStates``, `new` refers to its times, without times to the last 24 hours.
    ///   - now: the current time, in milliseconds since 1970.
    /// - Throws: `CatalogError`, or ``StoreError`` if the journal of decisions cannot be read now.
    public func resolved(_ selection: Selection, now: Int64 = WallClock.now()) throws -> Selection {
        guard selection.selectsBySignature else { return selection }
        let standings = try standings()
        var resolved = standings.widened(try identified(selection, standings))
        let states = resolved.signatureStates
        resolved.signatureStates = []
        guard !states.isEmpty else { return resolved }
        var asked = Selection(errors: selection.errors, signatures: resolved.signatures)
        asked.currentSignatures = resolved.currentSignatures
        let figures = try catalog().signatureFigures(asked, merged: standings.targets)
        let view = try SignatureView(
            self, standings, figures.map(\.whole), since: selection.since, until: selection.until, now: now,
            errors: selection.errors)
        var texts: [String] = []
        for figure in figures {
            let overview = try view.overview(of: figure, ended: 0)
            if states.contains(overview.state) { texts += standings.group(overview.signature) }
        }
        // The signatures that were asked for stay: of a signature with the state, only some crashes may have had them.
        resolved.currentSignatures = texts
        return resolved
    }

    /// The selection with the text of each signature that it names by its id.
    func identified(_ selection: Selection, _ standings: Standings) throws -> Selection {
        guard selection.signatures.contains(where: SignatureView.isID) else { return selection }
        var texts = ByteSet(try catalog().signatureTexts())
        texts.formUnion(try catalog().signatureTexts(errors: true))
        texts.formUnion(standings.named)
        var identified = selection
        identified.signatures = selection.signatures.map { name in
            guard SignatureView.isID(name), !texts.contains(name),
                let text = texts.first(where: { SignatureView.id($0).hasSameBytes(as: name) })
            else { return name }
            return Glob.quoting(text)
        }
        return identified
    }
}
