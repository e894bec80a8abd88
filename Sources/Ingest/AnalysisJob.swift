public import CrashAnalysis

/// What one analysis in a confined child is asked to do.
///
/// The job crosses as JSON, the files cross as open descriptors: the child can open nothing, so nothing that a dump
/// names can be opened, and what a dump does to its reader costs that reader only.
struct AnalysisJob: Codable, Sendable {
    /// The file's name, for records; nil when a pack is read.
    var name: String?
    /// The crash records to make again from the pack's members, each a JSON text.
    var records: [String] = []
    /// The symbol store's folder and the paths of the files of it that are passed, in the order of their descriptors.
    var symbolRoot = ""
    /// See `symbolRoot`.
    var symbols: [String] = []
    /// When the file was last changed, milliseconds since 1970.
    var modified: Int64?
    /// Bounds on time and memory.
    var limits = IngestLimits()
}

/// The child's answer: crash records, each a JSON text; in the order of the job's where it had some, null where a
/// record could not be made again.
struct AnalysisAnswer: Codable, Sendable {
    var records: [String?] = []
    var barriers: [String] = []
    /// Why nothing was read, and its code.
    var error: String?
    var errorCode: String?
    /// Barriers that could not be set up.
    var missing: [String]?
}

/// What an analysis of one file found.
public struct AnalysisResult: Sendable {
    /// The crashes and survived errors.
    public var records: [CrashRecord]
    /// What confined the reader.
    public var barriers: [String]
}
