internal import NIOCore

extension SessionAPIClient {
    /// Gives the process one event loop instead of one for each core, for all clients that do not bring their own HTTP
    /// client: each loop costs descriptors. Call it at most once, before the first client or server is created; NIO ends
    /// the process when it is called again.
    package static func useOneEventLoop() { NIOSingletons.groupLoopCountSuggestion = 1 }
}
