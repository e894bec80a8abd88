import Model
import Text

extension Configuration.Notifications {
    /// Reads the key `notify`.
    static func read(_ section: NodeReader) -> Self {
        var notify = Self()
        notify.page = section.value(
            "page", expected: "write http:// or https:// and a host, such as https://salvage.studio.example",
            Configuration.baseAddress)
        notify.channels = (section.list("channels") ?? []).enumerated().compactMap { index, node in
            Channel.read(NodeReader(node, at: "\(section.path("channels"))[\(index)]", findings: section.findings))
        }
        var names = ByteSet()
        for channel in notify.channels where !names.insert(channel.name).inserted {
            section.note(
                section.lineOf("channels"), section.path("channels"), "two channels have the name '\(channel.name)'",
                "give each a name of its own")
        }
        let spike = section.section("spike")
        if let value = spike.integer("factor", in: 2...1000) { notify.spike.factor = value }
        if let value = spike.integer("sessions", in: 1...1_000_000) { notify.spike.sessions = value }
        if let value = spike.value(
            "share", expected: "write a percentage from 0% to 100%", Quantity.millionths(percent:))
        {
            notify.spike.share = value
        }
        spike.finish()
        section.finish()
        return notify
    }
}

extension Configuration.Notifications.Channel {
    fileprivate static func read(_ reader: NodeReader) -> Self? {
        typealias Kind = Configuration.Notifications.Kind
        let words = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        let name = reader.value(
            "name", expected: "write 1 to 64 letters, digits, '-', '_' or '.'",
            { (text: String) -> String? in
                let isPlain = text.utf8.allSatisfy { byte in
                    byte < 0x80
                        && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
                        || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
                }
                return (1...64).contains(text.utf8.count) && isPlain ? text : nil
            })
        let kind = reader.value("type", expected: "write one of: \(words)", Kind.init(rawValue:))
        var channel = Self(name: name ?? "", kind: kind ?? .webhook)
        channel.url = reader.secret("url", "the webhook's address")
        channel.secret = reader.secret("secret", "the key")
        channel.command = (reader.list("command") ?? []).compactMap(\.text)
        channel.readEvents(reader)
        channel.match = Configuration.Match.read(reader.section("match"))
        if !channel.match.labels.isEmpty {
            reader.note(
                reader.lineOf("match"), reader.path("match"), "a channel cannot match labels",
                "match image, tag or location")
        }
        if let value = reader.duration("burst", from: 0) { channel.burst = value }
        if let value = reader.integer("per_hour", in: 1...3600) { channel.perHour = value }
        channel.timeout = reader.value("timeout", expected: "write a duration from 100ms to 10m, such as 5s") { text in
            Quantity.milliseconds(text).flatMap { (100...600_000).contains($0) ? $0 : nil }
        }
        if name == nil, reader.node("name") == nil {
            reader.note(reader.lineOf("name"), reader.path("name"), "is missing", "give the channel a name")
        }
        if kind == nil, reader.node("type") == nil {
            reader.note(reader.lineOf("type"), reader.path("type"), "is missing", "write one of: \(words)")
        }
        if kind != nil { channel.checkParts(reader) }
        reader.finish()
        return name == nil || kind == nil ? nil : channel
    }

    private mutating func readEvents(_ reader: NodeReader) {
        guard let nodes = reader.list("on") else { return }
        let known = Event.Kind.allCases.filter { $0 != .test }
        on = []
        for node in nodes {
            if let text = node.text, let kind = Event.Kind(rawValue: text), kind != .test {
                on.insert(kind)
            } else {
                let near = node.text.flatMap { Spelling.nearest(to: $0, among: known.map(\.rawValue)) }
                reader.note(
                    node.line, reader.path("on"), "unknown event '\(node.text ?? NodeReader.kind(node))'",
                    near.map { "did you mean '\($0)'?" }
                        ?? "use some of: \(known.map(\.rawValue).joined(separator: ", "))")
            }
        }
    }

    /// Notes what the kind of channel lacks or cannot have.
    private func checkParts(_ reader: NodeReader) {
        func note(_ key: String, _ message: String, _ fix: String) {
            reader.note(reader.lineOf(key), reader.path(key), message, fix)
        }
        if kind == .command {
            if command.isEmpty { note("command", "is missing", "write command: [/path/of/program, argument]") }
            if url != nil { note("url_file", "a command has no address", "remove it, or choose another type") }
            if let program = command.first, !program.hasPrefix("/") {
                note("command", "must begin with an absolute path", "write command: [/path/of/program, argument]")
            }
        } else {
            if url == nil, reader.node("url") == nil {
                note(
                    "url_file", "is missing", "write the webhook's address into a file with mode 0600 and name it here")
            }
            if !command.isEmpty { note("command", "only a channel of type command has one", "remove it") }
        }
        if secret != nil, kind != .webhook {
            note("secret_file", "only a channel of type webhook has a key", "remove it")
        }
    }
}

extension NodeReader {
    /// Reads `NAME_file` or `NAME_env`; refuses `NAME`, which would put the secret into the configuration.
    func secret(_ name: String, _ what: String) -> SecretSource? {
        let (file, variable) = (string(name + "_file"), string(name + "_env"))
        if node(name) != nil {
            note(
                lineOf(name), path(name), "must not be in the configuration",
                "put \(what) in a file that only its owner can read, and set \(name)_file to that file, "
                    + "or set \(name)_env to the name of a variable")
        }
        if file != nil, variable != nil {
            note(lineOf(name + "_env"), path(name + "_env"), "is set beside \(name)_file", "keep one of the two")
        }
        return file.map { .file($0) } ?? variable.map { .variable($0) }
    }
}
