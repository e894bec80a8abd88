import CrashAnalysis
import FoundationEssentials

/// The crashed thread's frames of a stored record, without the rest of it.
struct CrashFrames: Decodable {
    private let frames: [CrashFrame]?

    /// Decodes the frames only; none where the record has another form.
    static func decode(_ json: [UInt8]) -> [CrashFrame] {
        (try? JSONDecoder().decode(CrashFrames.self, from: Data(json)))?.frames ?? []
    }
}
