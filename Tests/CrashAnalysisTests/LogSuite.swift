import Model
import Testing

@testable import CrashAnalysis

/// A suite that analyses logs it writes itself.
protocol LogSuite {}

extension LogSuite {
    /// The records of one log.
    func analyze(_ text: String) -> [CrashRecord] {
        CrashAnalyzer().analyze(source: MemoryByteSource(Array(text.utf8)), name: "server.log")
    }

    /// The only record, which is a crash.
    func theCrash(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> CrashRecord {
        let records = analyze(text)
        #expect(records.map(\.isCrash) == [true], sourceLocation: sourceLocation)
        return try #require(records.first, sourceLocation: sourceLocation)
    }
}

/// A suite that analyzes logs as the crashes of a session.
protocol SessionLogSuite {}

extension SessionLogSuite {
    /// The crashes of a session with one log, and the errors in it.
    func analyze(_ text: String) -> [CrashRecord] {
        CrashMerger.merge(CrashAnalyzer().analyze(source: MemoryByteSource(Array(text.utf8)), name: "server.log"))
    }

    /// The only crash; there may be errors besides.
    func only(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> CrashRecord {
        let crashes = analyze(text).filter(\.isCrash)
        #expect(crashes.count == 1, sourceLocation: sourceLocation)
        return try #require(crashes.first, sourceLocation: sourceLocation)
    }

    func names(_ record: CrashRecord) -> [String?] { record.frames.map(\.function) }
}
