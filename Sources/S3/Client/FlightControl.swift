/// How many requests may be in flight: a pure state machine.
///
/// Additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for
/// Congestion Avoidance in Computer Networks", 1989): an answer that asks to slow down halves the limit, and each window of
/// good answers raises it by one. The limit is halved once for each window, because all requests in flight meet the same
/// trouble.
package struct FlightControl: Sendable {
    /// Names one request that waits.
    package typealias Ticket = UInt64

    /// The most that the limit can be.
    package let most: Int
    /// The limit now, from 1 to ``most``.
    package private(set) var limit: Double
    /// Requests in flight.
    package private(set) var flying = 0
    private var waiting: [Ticket] = []
    private var next: Ticket = 0
    /// Answers that are still of requests from before the last halving.
    private var settling = 0

    /// Creates the control; the limit starts at `most`.
    package init(most: Int) {
        self.most = max(1, most)
        limit = Double(self.most)
    }

    /// Asks for leave to send. Nil: sent at once; else the request waits until its ticket is returned.
    package mutating func enter() -> Ticket? {
        if waiting.isEmpty, flying < Int(limit) {
            flying += 1
            return nil
        }
        next += 1
        waiting.append(next)
        return next
    }

    /// Gives up waiting; false if the ticket has been returned already.
    package mutating func abandon(_ ticket: Ticket) -> Bool {
        guard let index = waiting.firstIndex(of: ticket) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// Ends a request; returns the tickets of those that may be sent now.
    /// - Parameter isSlowed: whether the server asked to slow down.
    package mutating func leave(isSlowed: Bool) -> [Ticket] {
        flying -= 1
        let isSettled = settling == 0
        if settling > 0 { settling -= 1 }
        if isSlowed {
            if isSettled {
                limit = max(1, (limit / 2).rounded(.down))
                settling = flying
            }
        } else if isSettled {
            limit = min(Double(most), limit + 1 / limit)
        }
        let count = min(waiting.count, max(0, Int(limit) - flying))
        let admitted = Array(waiting.prefix(count))
        waiting.removeFirst(count)
        flying += count
        return admitted
    }
}
