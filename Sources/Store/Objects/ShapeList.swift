import CrashExport
public import JSON
import Model

extension Shapes {
    /// The objects of the store's values, those that others contain included, in the order of the documentation.
    public static var descriptions: [JSONObjectDescription] {
        ledgerObjects + crashObjects + upkeepObjects
    }

    private static var ledgerObjects: [JSONObjectDescription] {
        [
            JSONObjectDescription(session), JSONObjectDescription(sessionReport), JSONObjectDescription(logTail),
            JSONObjectDescription(artifact), JSONObjectDescription(explanation),
            JSONObjectDescription(explainedArtifact), JSONObjectDescription(request),
            JSONObjectDescription(ExportEntry.shape), JSONObjectDescription(gap),
            JSONObjectDescription(absentGap), JSONObjectDescription(coverageTotals), JSONObjectDescription(member),
            JSONObjectDescription(crashExcerpt), JSONObjectDescription(logLine),
            JSONObjectDescription(seriesPoint),
        ]
    }

    private static var crashObjects: [JSONObjectDescription] {
        [
            JSONObjectDescription(crash), JSONObjectDescription(CrashCause.shape),
            JSONObjectDescription(CrashFrame.shape), JSONObjectDescription(CrashThread.shape),
            JSONObjectDescription(CrashModule.shape), JSONObjectDescription(signature),
            JSONObjectDescription(change), JSONObjectDescription(build), JSONObjectDescription(decision),
            JSONObjectDescription(symbolsAdded), JSONObjectDescription(symbolFile),
            JSONObjectDescription(missingSymbols), JSONObjectDescription(symbolsFetched),
        ]
    }

    private static var upkeepObjects: [JSONObjectDescription] {
        [
            JSONObjectDescription(harvest), JSONObjectDescription(verdict), JSONObjectDescription(problem),
            JSONObjectDescription(ingestedSession), JSONObjectDescription(export), JSONObjectDescription(bundle),
            JSONObjectDescription(reindex), JSONObjectDescription(finding),
            JSONObjectDescription(status), JSONObjectDescription(absentPath), JSONObjectDescription(fleet),
            JSONObjectDescription(fleetHarvester), JSONObjectDescription(fleetJob), JSONObjectDescription(fleetLevel),
            JSONObjectDescription(backup),
            JSONObjectDescription(verifiedBackup),
        ]
    }
}
