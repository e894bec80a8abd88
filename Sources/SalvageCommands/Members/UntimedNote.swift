import Glibc
import LogSearch
import Terminal
import Text

/// The notes of a search by time about members whose time format is not known.
enum UntimedNote {
    /// Says that all their lines were kept.
    /// - Parameter sorted: whether lines were only sorted by time, not selected by it.
    static func kept(_ count: Int, sorted: Bool = false) {
        guard count > 0 else { return }
        if sorted {
            write("\(subject(count)) no known time format; their lines stand at the start of their session")
            return
        }
        write("\(subject(count)) no known time format; all lines were kept (--strict-time leaves them out)")
    }

    /// Says that none of their lines were printed.
    static func leftOut(_ count: Int) {
        guard count > 0 else { return }
        write("\(subject(count)) no known time format; none of the lines were printed")
    }

    private static func subject(_ count: Int) -> String { counted(count, "member has", "members have") }

    private static func write(_ text: String) {
        let sink = BufferedOutput(descriptor: STDERR_FILENO)
        sink.write("salvage: note: \(text)\n")
        sink.flush()
    }
}
