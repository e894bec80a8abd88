import Catalog
import Model
import Notify
import SalvageConfiguration
import Text

extension Store {
    /// Compares the crashes of a signature in a build in the last hour with those of the week before: of the same build,
    /// or of its image if the build had too few sessions.
    ///
    /// - Returns: the spike and how many sessions crashed; nil if there is none.
    /// - Throws: `CatalogError`.
    func spike(
        of novel: NovelCrash, _ settings: Configuration.Notifications.Spike, now: Int64
    ) throws(CatalogError) -> (spike: Spike, sessions: Int)? {
        let catalog = try catalog()
        let row = novel.crash.row
        let hour: Int64 = 3_600_000
        let ended = SessionState.allCases.filter { $0 != .running }
        var build = Selection(images: [Self.exactly(row.image)], states: ended)
        if let tag = row.tag { build.tags = [Self.exactly(tag)] }
        let signatures = [novel.signature.signature] + novel.signature.standing.merged

        func count(
            _ selection: Selection, _ since: Int64, _ until: Int64?
        ) throws(CatalogError) -> (all: Int, crashed: Int) {
            var selection = selection
            selection.since = since
            selection.until = until
            let all = try catalog.count(selection)
            selection.states = []
            selection.signatures = signatures
            let wanted = ByteSet(signatures)
            // A signature may look like a glob that matches others.
            let crashed = try catalog.topSignatures(selection).filter { wanted.contains($0.signature) }
            return (all, crashed.reduce(0) { $0 &+ $1.sessions })
        }

        let recent = try count(build, now - hour, nil)
        guard recent.crashed >= settings.sessions else { return nil }
        let start = now - 169 * hour
        var before = try count(build, start, now - hour)
        if before.all < Spike.fewestBefore {
            var image = build
            image.tags = []
            before = try count(image, start, now - hour)
        }
        let since = max(start, min(novel.signature.firstSeen, now - 2 * hour))
        let facts = Spike.Facts(
            sessions: recent.all, crashed: recent.crashed, sessionsBefore: before.all, crashedBefore: before.crashed,
            hoursBefore: Int(max(1, (now - hour - since) / hour)))
        return Spike(facts, settings).map { ($0, recent.crashed) }
    }

    /// A glob that matches one text.
    private static func exactly(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if "*?[]{}!\\".unicodeScalars.contains(scalar) { out.append("\\") }
            out.append(scalar)
        }
        return String(out)
    }
}
