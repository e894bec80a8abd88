import Glibc

/// Why a session did not start, by whose matter it is.
enum StartFailure: Error, Sendable {
    /// The operator must mend the image.
    case image(BrokenImage)
    /// This machine has no room at the moment.
    case capacity(String)
    /// The caller asked for more than a process can be given.
    case request(field: String, String)
    /// Something is wrong with the sandbox's own folder.
    case server(String)
    /// The sandbox is about to end.
    case stopping

    /// Sorts out why a process did not start; `executable` is the image's own file.
    init(executable: String, code: Int32) {
        let reason = String(cString: strerror(code))
        self =
            switch code {
            case E2BIG: .request(field: "args", "args and env together are too large for a process")
            case EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC, EDQUOT:
                .capacity("\(executable) could not be started: \(reason)")
            default: .image(BrokenImage(file: executable, reason: "could not be started: \(reason)"))
            }
    }

    var text: String {
        switch self {
        case .image(let broken): broken.text
        case .capacity(let reason), .request(_, let reason), .server(let reason): reason
        case .stopping: "the sandbox is stopping"
        }
    }
}
