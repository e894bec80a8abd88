import FoundationEssentials
import Glibc

/// Turns a Foundation error about creating, copying or removing a file into the system's message.
struct FileTrouble {
    private let error: any Error

    init(_ error: any Error) { self.error = error }

    /// The errno behind it; nil when Foundation has none.
    private var code: Int32? {
        let cause = (error as? CocoaError)?.underlying ?? error
        return (cause as? POSIXError)?.code.rawValue
    }

    /// True when the machine is out of space, descriptors or memory.
    var isShortage: Bool {
        if (error as? CocoaError)?.code == .fileWriteOutOfSpace { return true }
        return code.map { [ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM].contains($0) } ?? false
    }

    /// The reason, after the path if Foundation names it.
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
        default: "Foundation error \(code.rawValue)"
        }
    }
}
