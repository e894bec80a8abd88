import Glibc
import Harvest
import Terminal

/// Ends the process when a harvest cannot.
enum ProcessEnding {
    /// Ends the process as its guard demands.
    ///
    /// - Parameter isDaemon: whether SIGTERM is how the process is meant to end, so that one that arrives during the
    ///   start is no error to a service manager.
    static func end(_ ending: ProcessGuard.Ending, isDaemon: Bool) -> Never {
        switch ending {
        case .stopped(let signal): _exit(isDaemon && signal == SIGTERM ? 0 : 128 + signal)
        case .interrupted: _exit(ExitStatus.interrupted.rawValue)
        case .poolsStopped(let error):
            end(with: error, json: false, style: Style(choice: .never, descriptor: STDERR_FILENO))
        }
    }

    /// Reports an error and ends the process, without waiting for any thread.
    static func end(with error: HarvestError, json: Bool, style: Style) -> Never {
        let failure = Failure(error)
        failure.report(json: json, style: style)
        _exit(failure.status.rawValue)
    }
}
