import Clocks
import Glibc

/// A progress line on standard error, rewritten at most ten times a second.
///
/// It shows nothing unless standard error is a terminal, so that cron stays quiet and logs stay clean.
public final class Progress {
    private let isShown: Bool
    private var last: Int64 = 0
    private var isDrawn = false

    /// A progress line; `quiet` suppresses it even on a terminal.
    public init(quiet: Bool = false) {
        isShown = !quiet && isatty(STDERR_FILENO) == 1 && Environment.value("TERM") != "dumb"
    }

    deinit { finish() }

    /// Shows `line`, which is evaluated only if it is drawn.
    public func update(_ line: @autoclosure () -> String) {
        guard isShown else { return }
        let now = MonotonicClock.milliseconds()
        guard !isDrawn || now - last >= 100 else { return }
        last = now
        isDrawn = true
        emit("\r\u{1B}[K" + line())
    }

    /// Removes the line, so that the next output starts on a clean one.
    public func finish() {
        guard isDrawn else { return }
        isDrawn = false
        emit("\r\u{1B}[K")
    }

    private func emit(_ text: String) {
        var text = Charset.locale.text(text)
        text.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }
}
