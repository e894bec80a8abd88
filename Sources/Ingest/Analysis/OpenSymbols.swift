import Files
import Glibc

/// The symbol files of an analysis, opened for the child, which can open none itself. Freeing the object closes them.
final class OpenSymbols {
    /// The open files, in the order in which they were given.
    private(set) var files: [(path: String, descriptor: Int32)] = []
    /// Why a file that may exist could not be opened, in the system's words, by its path.
    private(set) var unread: [String: String] = [:]

    /// The descriptors that starting a child and waiting for it takes besides the files it gets.
    private static let spare = 20

    /// The most files of which it is said why they are not open: the child's job, which has their paths, must stay
    /// short.
    private static let mostUnread = 4096

    /// Opens as many of the files as leave descriptors for the child's start, at most `most`; the first are the most
    /// important ones. A file that does not exist is left out.
    init(_ paths: [String], atMost most: Int = .max) {
        var room = Int.max
        for path in paths {
            guard files.count < most else {
                leaveOut(path, "an analysis reads at most \(most) symbol files")
                continue
            }
            guard files.count < room else {
                leaveOut(path, FileFailure.reason(EMFILE))
                continue
            }
            do throws(FileFailure) {
                let descriptor = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
                if files.isEmpty { room = Self.room(from: descriptor) }
                files.append((path, descriptor))
                if files.count > room { close(files.count - room, because: EMFILE) }
            } catch {
                if error.isAbsence { continue }
                leaveOut(path, error.reason)
                // Others have taken what was free. Without descriptors, no child could be started.
                guard error.errno == EMFILE || error.errno == ENFILE else { continue }
                close(min(Self.spare, files.count), because: error.errno)
                room = files.count
            }
        }
    }

    deinit { for file in files { Glibc.close(file.descriptor) } }

    private func leaveOut(_ path: String, _ reason: String) {
        if unread.count < Self.mostUnread { unread[path] = reason }
    }

    /// Closes the last files.
    private func close(_ count: Int, because number: Int32) {
        for file in files.suffix(count) {
            Glibc.close(file.descriptor)
            leaveOut(file.path, FileFailure.reason(number))
        }
        files.removeLast(count)
    }

    /// How many files can be passed to a child if `first` is the lowest free descriptor. Each takes two numbers: its
    /// own, and the one that it gets in the child.
    private static func room(from first: Int32) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return max(0, (Int(clamping: limit.rlim_cur) - Int(first) - spare) / 2)
    }
}
