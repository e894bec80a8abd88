public import Clocks
public import CrashExport

extension Store {
    /// The state of the service that receives crashes; nil if nothing was ever sent from this machine's folder.
    ///
    /// - Throws: ``StoreError`` with the code `export_unusable`.
    public func exportReport(now: Int64 = WallClock.now()) throws(StoreError) -> CrashExportReport? {
        do throws(ExportError) { return try CrashExportReport.read(store: path, now: now) } catch {
            throw StoreError(error)
        }
    }

    /// What was sent to services outside of a session's crashes, what was not and why, and what waits. That it cannot be
    /// read is a part of the answer.
    ///
    /// - Parameter session: the session's full id.
    public func exports(of session: String) -> SessionExports {
        do throws(ExportError) {
            return SessionExports(entries: try ExportEntry.entries(of: session, store: path), problem: nil)
        } catch {
            return SessionExports(entries: [], problem: StoreError(error))
        }
    }
}

/// What happened to a session's crashes at services outside.
public struct SessionExports: Sendable {
    /// One entry for each crash that was queued.
    public let entries: [ExportEntry]
    /// Why they cannot be read; nil if they can.
    public let problem: StoreError?
}

extension StoreError {
    /// Converts an error of the crash export.
    public init(_ error: ExportError) {
        self.init(Code(rawValue: error.code.rawValue), error.message, path: error.path, hint: error.hint, kind: .failed)
    }
}
