import Model
import Text

/// The words of a message, as plain text: every text that a container chose is made printable and cut. Each channel
/// escapes them for its own markup.
struct MessageText {
    /// The parts of one event.
    struct Item {
        /// What happened, as a heading.
        var title: String
        /// The sentence.
        var message: String
        /// The signature and the first frames, one a line; empty if there are none.
        var stack: [String]
        /// Build, region, session and count.
        var facts: [String]
        /// The page about it.
        var link: String?
        /// The command to type.
        var command: String?
    }

    /// The most events that are described; the others are counted.
    static let mostItems = 5

    /// One line that says what the message is about.
    let headline: String
    /// The events that are described.
    let items: [Item]
    /// How many events are only counted, as a sentence; nil if there are none.
    let rest: String?

    init(_ message: OutboxMessage) {
        let counts = message.counts.map { "\($0.count) \(Self.words($0.kind))" }.joined(separator: ", ")
        // What is worth most comes first; within a kind, in the order of events.
        let order = Event.Kind.allCases
        let sorted = message.events.enumerated().sorted { left, right in
            let (one, other) = (order.firstIndex(of: left.element.kind), order.firstIndex(of: right.element.kind))
            return (one ?? 0, left.offset) < (other ?? 0, right.offset)
        }.map(\.element)
        let shown = sorted.prefix(Self.mostItems)
        items = shown.map(Self.item)
        let others = sorted.dropFirst(Self.mostItems).reduce(0) { $0 &+ max(1, $1.count) }
        rest = others == 0 ? nil : "and \(others) more: salvage crashes, salvage coverage"
        headline = message.events.count == 1 ? items.first.map(\.message) ?? counts : counts
    }

    /// Makes text from a container printable and cuts it to a number of characters.
    static func plain(_ text: String, most: Int) -> String {
        let shown = Escape.display(text)
        guard shown.unicodeScalars.count > most else { return shown }
        var cut = String.UnicodeScalarView()
        cut.append(contentsOf: shown.unicodeScalars.prefix(max(0, most - 1)))
        return String(cut) + "…"
    }

    private static func item(_ event: Event) -> Item {
        var stack: [String] = []
        if let signature = event.signature { stack.append(plain(signature, most: 300)) }
        stack += event.frames.prefix(5).map { "  " + plain($0, most: 200) }
        var facts: [String] = []
        let build = [event.image, event.tag].compactMap { $0 }.map { plain($0, most: 100) }
        if !build.isEmpty { facts.append("build " + build.joined(separator: " ")) }
        if let location = event.location { facts.append("region " + plain(location, most: 100)) }
        if let session = event.session { facts.append("session " + plain(session, most: 100)) }
        if event.count > 1 { facts.append("\(event.count) times") }
        return Item(
            title: title(event.kind), message: plain(event.message, most: 500), stack: stack, facts: facts,
            link: event.link.map { plain($0, most: 1000) }, command: event.command.map { plain($0, most: 300) })
    }

    static func title(_ kind: Event.Kind) -> String {
        switch kind {
        case .new: "New crash"
        case .returned: "Crash returned"
        case .spike: "Spike of crashes"
        case .lost: "Lost"
        case .absent: "Path absent everywhere"
        case .deadline: "Deadline in danger"
        case .test: "Test"
        }
    }

    private static func words(_ kind: Event.Kind) -> String {
        switch kind {
        case .new: "new"
        case .returned: "returned"
        case .spike: "spiking"
        case .lost: "lost"
        case .absent: "absent everywhere"
        case .deadline: "with a deadline in danger"
        case .test: "test"
        }
    }
}
