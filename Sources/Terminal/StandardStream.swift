import Glibc

/// What standard output and standard error were when the program first asked.
///
/// A pager takes their place later, and what is printed must stay escaped, coloured and fitted as for the terminal.
public enum StandardStream {
    /// Whether standard output goes to a terminal, through a pager or not.
    public static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
    /// Whether standard error goes to a terminal, through a pager or not.
    public static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    /// The number of columns of the terminal on standard output; nil if it goes elsewhere, where lines are never cut.
    /// `COLUMNS` counts where the terminal does not know its size.
    public static let width: Int? = {
        guard outputIsTerminal else { return nil }
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        if let columns = Environment.value("COLUMNS").flatMap({ Int($0) }), columns > 0 { return columns }
        return 80
    }()

    /// Whether a descriptor is a terminal; of the two standard streams, whether it was one.
    static func isTerminal(_ descriptor: Int32) -> Bool {
        switch descriptor {
        case STDOUT_FILENO: outputIsTerminal
        case STDERR_FILENO: errorIsTerminal
        default: isatty(descriptor) == 1
        }
    }
}
