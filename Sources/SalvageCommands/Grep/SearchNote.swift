import Glibc
import LogSearch
import Terminal
import Text

/// The notes of a search on standard error.
enum SearchNote {
    /// Says that a long match may be missed in large members.
    static func inParts(_ count: Int) {
        guard count > 0 else { return }
        let subject = counted(count, "member is", "members are")
        write(
            "\(subject) larger than \(MatchWindow.size >> 20) MiB and searched in parts: a match that spans more than "
                + "\(MatchWindow.overlap >> 20) MiB may be missed")
    }

    /// Says that copies were not searched; only to people, because it is so in every search of such sessions.
    static func copies(_ count: Int) {
        guard count > 0, isatty(STDERR_FILENO) == 1 else { return }
        let subject = counted(count, "member has", "members have")
        write(
            "\(subject) the same bytes as another of the same session, which stands for both; -l names both, "
                + "--duplicates searches both")
    }

    private static func write(_ text: String) {
        let sink = BufferedOutput(descriptor: STDERR_FILENO)
        sink.write("salvage: note: \(text)\n")
        sink.flush()
    }
}
