import NIOCore

/// Bounds how long the client of a connection may leave a response unread, and closes the connection when the client has
/// closed its side, which ends what is computed for it.
final class ConnectionGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    /// How long a response may stay unread.
    static let stallTime = TimeAmount.seconds(30)

    private let register: ConnectionRegister
    /// Closes the connection unless the client reads.
    private var stall: Scheduled<Void>?

    init(_ register: ConnectionRegister) { self.register = register }

    func handlerAdded(context: ChannelHandlerContext) {
        let register = register
        let channel = context.channel
        register.opened(channel)
        channel.closeFuture.whenComplete { _ in register.closed(channel) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        stall?.cancel()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall?.cancel()
        stall = nil
        if !context.channel.isWritable {
            let channel = context.channel
            stall = context.eventLoop.scheduleTask(in: Self.stallTime) { channel.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            // Nobody closes only the sending side of a connection that waits for an answer.
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }
}
