import Glibc

/// Why a session did not start, by who can fix it.
enum StartFailure: Error, Sendable {
    /// The operator must fix the image.
    case image(BrokenImage)
    /// The machine lacks memory, space, descriptors or processes at the moment.
    case capacity(String)
    /// The request exceeds what a process can get.
    case request(field: String, String)
    /// Something is wrong with the sandbox's own folder.
    case server(String)
    /// The sandbox is stopping.
    case stopping

    /// Classifies why a process did not start. `executable` is the image's own file.
    init(executable: String, code: Int32) {
        let reason = String(cString: strerror(code))
        self =
            switch code {
            case E2BIG: .request(field: "args", "args and env together are too large for a process")
            case EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC, EDQUOT:
                .capacity("cannot start \(executable): \(reason)")
            default: .image(BrokenImage(file: executable, reason: "cannot be started: \(reason)"))
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
