import Glibc
import LogSearch
import Terminal

/// What a search by time says of members whose lines carry no time that it can read.
enum UntimedNote {
    /// They were searched as a whole.
    static func kept(_ count: Int) {
        guard count > 0 else { return }
        write("\(subject(count)) no known time format; all lines were kept (--strict-time leaves them out)")
    }

    /// They were left out.
    static func leftOut(_ count: Int) {
        guard count > 0 else { return }
        write("\(subject(count)) no known time format; none of the lines were printed")
    }

    private static func subject(_ count: Int) -> String { "\(count) member\(count == 1 ? " has" : "s have")" }

    private static func write(_ text: String) {
        let sink = ByteSink(descriptor: STDERR_FILENO)
        sink.write("salvage: note: \(text)\n")
        sink.flush()
    }
}
