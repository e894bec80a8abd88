public import Model

/// The job of one analysis in a confined child.
///
/// The job is passed as JSON, the files as open descriptors. The child cannot open any file, so a dump cannot make it
/// open the paths it contains, and a hostile dump harms only its reader.
struct AnalysisJob: Codable, Sendable {
    /// The file's name, for records; nil when a pack is read.
    var name: String?
    /// The crash records of the pack to analyse again, each a JSON text.
    var records: [String] = []
    /// The symbol store's folder.
    var symbolRoot = ""
    /// The paths of the symbol files passed, in the order of their descriptors.
    var symbols: [String] = []
    /// Why symbol files that may exist were not passed, in the system's words, by path.
    var unreadSymbols: [String: String] = [:]
    /// The file's modification time, in milliseconds since 1970.
    var modified: Int64?
    /// Limits on time and memory.
    var limits = IngestLimits()
}

/// The child's answer: crash records, each a JSON text. If the job has records, they are in its order, with null for
/// one that could not be analysed again.
struct AnalysisAnswer: ReaderAnswer {
    var records: [String?] = []
    var barriers: [String] = []
    /// Why nothing was read, as one sentence, and its ``IngestError`` code.
    var error: String?
    var errorCode: String?
    /// Barriers that could not be set up.
    var missing: [String]?
}

/// The result of analysing one file.
public struct AnalysisResult: Sendable {
    /// The crashes and survived errors.
    public var records: [CrashRecord]
    /// The barriers that confined the reader.
    public var barriers: [String]
}
