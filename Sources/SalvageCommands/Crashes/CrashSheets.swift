import Files
import Glibc
import Store

/// What `salvage crash` prints about a crash, for a bundle.
enum CrashSheets {
    /// Most bytes of one crash as text.
    private static let limit = 64 << 20

    /// The text without colors, and the JSON object.
    static func sheet(_ report: CrashReport) throws -> CrashSheet {
        let file = try Descriptor.inMemory("crash")
        defer { close(file) }
        let output = Output(plainTextOn: file)
        Crash().write(report, to: output)
        try output.finish()
        guard lseek(file, 0, SEEK_SET) == 0 else { throw FileFailure.last("read", "crash") }
        return CrashSheet(text: try Descriptor.rest(file, limit: limit), json: report.json)
    }
}
