public import Model

extension Configuration {
    /// Which services outside receive crashes: the key `export`.
    public struct Exports: Sendable, Equatable {
        /// The Sentry project that receives crashes; nil for none.
        public var sentry: Sentry?

        /// No service receives crashes.
        public init() {}
    }
}

extension Configuration.Exports {
    /// A project of Sentry, or of a service that speaks its protocol, that receives crashes.
    public struct Sentry: Sendable, Equatable {
        /// Which crashes are sent.
        public enum Choice: String, CaseIterable, Sendable {
            /// Every crash.
            case crash
            /// The first crash of a signature, and the first after it was fixed.
            case new
        }

        /// The variable that has the DSN if the configuration names no file.
        public static let variable = "SALVAGE_SENTRY_DSN"

        /// Where the DSN is.
        public var dsn = SecretSource.variable(Sentry.variable)
        /// Which crashes are sent.
        public var on = Choice.crash
        /// The crashes to send by image, tag and location; a crash that lacks the field does not match a pattern.
        public var match = Configuration.Match()
        /// Whether minidumps are sent; if not, events only.
        public var minidumps = true
        /// The most crashes sent in an hour; what exceeds it waits.
        public var perHour = 1000
        /// What Sentry calls the environment, such as `production`; nil leaves it to Sentry.
        public var environment: String?
        /// How long one request may take, in milliseconds.
        public var timeout: Int64 = 60_000

        /// The defaults, with the DSN in the variable.
        public init() {}

        /// Whether crashes of a session are sent.
        public func wants(_ session: SessionIdentity) -> Bool { match.accepts(session) }
    }

    /// Reads the key `export`.
    static func read(_ section: NodeReader) -> Self {
        var exports = Self()
        section.requireValue("sentry", "write `dsn_file: /etc/salvage/sentry-dsn` below it, or remove the key")
        if section.node("sentry") != nil { exports.sentry = Sentry.read(section.section("sentry")) }
        section.finish()
        return exports
    }
}

extension Configuration.Exports.Sentry {
    fileprivate static func read(_ reader: NodeReader) -> Self {
        var sentry = Self()
        if let dsn = reader.secret("dsn", "the DSN") { sentry.dsn = dsn }
        let choices = Choice.allCases.map(\.rawValue).joined(separator: " or ")
        if let on = reader.value("on", expected: "write \(choices)", Choice.init(rawValue:)) { sentry.on = on }
        sentry.match = Configuration.Match.read(reader.section("match"))
        if !sentry.match.labels.isEmpty {
            reader.note(
                reader.lineOf("match"), reader.path("match"), "an export cannot match labels",
                "match image, tag or location")
        }
        if let value = reader.boolean("minidumps") { sentry.minidumps = value }
        if let value = reader.integer("per_hour", in: 1...100_000) { sentry.perHour = value }
        // Sentry's rule for names of environments.
        sentry.environment = reader.value(
            "environment", expected: "write 1 to 64 characters without spaces and slashes, not None"
        ) { text in
            let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
            return (1...64).contains(text.utf8.count) && isPlain && text.lowercased() != "none" ? text : nil
        }
        if let value = reader.value(
            "timeout", expected: "write a duration from 100ms to 10m, such as 30s",
            { (text: String) -> Int64? in
                Quantity.milliseconds(text).flatMap { (100...600_000).contains($0) ? $0 : nil }
            })
        {
            sentry.timeout = value
        }
        reader.finish()
        return sentry
    }
}
