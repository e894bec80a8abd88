import Glibc
import JSON
import Terminal

/// Standard output of one command: text for people or one JSON object per line, decided once.
///
/// What a paged command prints to a terminal goes through the pager, from the first output on.
struct Output {
    let sink: BufferedOutput
    let style: Style
    let json: Bool
    /// The columns that the user named; empty for those of the listing.
    let columns: [String]

    /// Plain text on a descriptor other than standard output.
    init(plainTextOn descriptor: Int32) {
        sink = BufferedOutput(descriptor: descriptor)
        style = Style(choice: .never, descriptor: descriptor)
        json = false
        columns = []
    }

    init(_ options: GlobalOptions) {
        sink = BufferedOutput(descriptor: STDOUT_FILENO)
        style = options.style
        json = options.json
        columns = options.columns
        if options.pages { sink.beforeFirstWrite = { Pager.start() } }
    }

    /// Writes one JSON object as a line.
    func line(_ object: JSONLine) { line(object.utf8) }

    /// Writes one JSON object as a line.
    func line(_ json: [UInt8]) {
        sink.write(json)
        sink.write("\n")
    }

    /// Writes one line of text.
    func text(_ text: String) {
        sink.write(text + "\n")
    }

    /// Flushes the buffer. Throws if a write failed, such as on a full disk; a closed pipe is not a failure.
    func finish() throws {
        sink.flush()
        if let failure = sink.failure {
            throw Failure(
                "output_failed", "could not write to standard output: \(String(cString: strerror(failure)))")
        }
    }
}
