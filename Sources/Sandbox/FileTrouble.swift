import FoundationEssentials
import Glibc

/// What Foundation says of a file that could not be made, copied or removed, in the words of the system.
struct FileTrouble {
    private let error: any Error

    init(_ error: any Error) { self.error = error }

    /// The errno behind it; nil when Foundation knows none.
    private var code: Int32? {
        let cause = (error as? CocoaError)?.underlying ?? error
        return (cause as? POSIXError)?.code.rawValue
    }

    /// This machine has no room at the moment.
    var isShortage: Bool {
        if (error as? CocoaError)?.code == .fileWriteOutOfSpace { return true }
        return code.map { [ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM].contains($0) } ?? false
    }

    /// The reason, with the path where Foundation names it.
    var text: String {
        let reason: String
        if let code {
            reason = String(cString: strerror(code))
        } else if let error = error as? CocoaError {
            reason = Self.reason(error.code)
        } else {
            reason = "\(error)"
        }
        guard let path = (error as? CocoaError)?.filePath else { return reason }
        return "\(path): \(reason)"
    }

    private static func reason(_ code: CocoaError.Code) -> String {
        switch code {
        case .fileNoSuchFile, .fileReadNoSuchFile: String(cString: strerror(ENOENT))
        case .fileWriteFileExists: String(cString: strerror(EEXIST))
        case .fileReadNoPermission, .fileWriteNoPermission: String(cString: strerror(EACCES))
        case .fileWriteOutOfSpace: String(cString: strerror(ENOSPC))
        case .fileWriteVolumeReadOnly: String(cString: strerror(EROFS))
        case .fileReadInvalidFileName, .fileWriteInvalidFileName: String(cString: strerror(ENAMETOOLONG))
        default: "error \(code.rawValue) of Foundation"
        }
    }
}
