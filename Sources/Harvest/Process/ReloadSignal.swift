import Dispatch
import Glibc
import Synchronization

/// Takes SIGHUP as a request to reload the configuration. A signal that arrives before there is a handler is kept.
public final class ReloadSignal: Sendable {
    private struct State {
        var action: (@Sendable () -> Void)?
        var wasAsked = false
    }

    private let queue = DispatchQueue(label: "salvage.reload")
    // Unchecked: set once, and dispatch sources may be cancelled from any thread.
    private nonisolated(unsafe) let source: any DispatchSourceSignal
    private let state = Mutex(State())

    /// Starts to take the signal, which without this ends the process. At most one object may exist.
    public init() {
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: queue)
        source.setEventHandler { [weak self] in self?.ask() }
        source.resume()
    }

    /// Sets what to do on a request; does it now if one has already arrived.
    ///
    /// - Parameter action: runs on a serial queue, never twice at the same time; it may block.
    public func handle(_ action: @escaping @Sendable () -> Void) {
        let wasAsked = state.withLock { state in
            state.action = action
            return state.wasAsked
        }
        if wasAsked { queue.async(execute: action) }
    }

    private func ask() {
        let action = state.withLock { state in
            if state.action == nil { state.wasAsked = true }
            return state.action
        }
        action?()
    }

    /// Ignores further requests.
    public func end() { source.cancel() }
}
