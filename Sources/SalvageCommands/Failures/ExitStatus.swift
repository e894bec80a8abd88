/// The exit codes of the program, documented in the README and never renumbered.
public enum ExitStatus: Int32, Sendable {
    /// Success.
    case success = 0
    /// Nothing matched.
    case nothingFound = 1
    /// The command failed.
    case failure = 2
    /// Some sessions or artifacts were lost or failed; they are listed on standard error.
    case partial = 3
    /// The command line was wrong (EX_USAGE of sysexits.h).
    case usage = 64
    /// A later try may succeed: network, rate limit, another instance running (EX_TEMPFAIL).
    case tryAgain = 75
    /// The token is missing, refused or lacks a scope (EX_NOPERM).
    case notAuthorised = 77
    /// Interrupted from the keyboard.
    case interrupted = 130
}
