import Calendar
public import JSON
public import Model

extension Event {
    /// Reads the object that `Event.shape` writes; nil if it lacks what every event has.
    public init?(reading value: JSONValue) {
        guard let id = value["id"]?.string, let kind = value["event"]?.string.flatMap(Kind.init(rawValue:)),
            let time = value["time"]?.string.flatMap(ISO8601.milliseconds)
        else { return nil }
        self.init(id: id, kind: kind, time: time, message: value["message"]?.string ?? "")
        image = value["image"]?.string
        tag = value["tag"]?.string
        location = value["location"]?.string
        session = value["session"]?.string
        crash = value["crash"]?.string
        signature = value["signature"]?.string
        signatureID = value["signature_id"]?.string
        frames = (value["frames"]?.array ?? []).compactMap(\.string)
        count = Int(clamping: value["count"]?.int64 ?? 1)
        link = value["link"]?.string
        command = value["command"]?.string
    }
}
