import ArgumentParser

/// A time such as `90`, `90s`, `5m`, `4h`, `250ms`.
struct Span: ExpressibleByArgument {
    let seconds: Double

    init?(argument: String) {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 1)]
        for (unit, factor) in units where argument.hasSuffix(unit) {
            guard let number = Double(argument.dropLast(unit.count)), number >= 0, number.isFinite else { continue }
            seconds = number * factor
            return
        }
        return nil
    }

    init(seconds: Double) { self.seconds = seconds }

    var defaultValueDescription: String { seconds >= 3600 ? "\(seconds / 3600)h" : "\(seconds)s" }
}

struct ServerOptions: ParsableArguments {
    @Option(help: "Folder with images: NAME/VERSION/ with an executable and optionally an image.json.")
    var images: String

    @Option(help: "Folder for the sessions' roots.")
    var root: String

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 chooses a free one.")
    var port = 0

    @Option(help: "File to write the port to once the server listens.")
    var portFile: String?

    @Option(help: "Regions, separated by commas: NAME, or NAME=CENTER+CENTER with its data centers.")
    var locations = "europe,us-east"

    @Option(help: "A bearer token, NAME or NAME=SCOPE,SCOPE. May be repeated. Default: sandbox, with all scopes.")
    var token: [String] = []

    @Flag(help: "Accept every request, with any token or none.")
    var noAuth = false

    @Option(help: "How many sessions may run at the same time; more get status 420.")
    var maxSessions: Int?

    @Option(help: "How many sessions may be started in a minute; more get status 420 with Retry-After.")
    var startsPerMinute: Int?

    @Option(help: "Bearer token that /_sandbox/ requires; without this flag /_sandbox/ is open.")
    var adminToken: String?

    @Option(help: "How long an ended container stays. Counted in minutes, so --minute scales it.")
    var retention = Span(seconds: 4 * 3600)

    @Option(help: "How long a minute of ttl, retention and --starts-per-minute really takes.")
    var minute = Span(seconds: 60)

    @Option(help: "Time between SIGTERM and SIGKILL.")
    var stopGrace = Span(seconds: 10)

    @Option(help: "Time between a failure and the restart.")
    var restartDelay = Span(seconds: 1)

    @Option(help: "Faults of every session, as JSON; see above.")
    var faults: String?

    @Option(help: "Share of sessions, from 0 to 1, that get a fault, chosen by their id and --seed.")
    var faultMix: Double?

    @Option(help: "Seed of the fault mix and of the fleet.")
    var seed: UInt64 = 1

    func validate() throws {
        if noAuth, !token.isEmpty { throw ValidationError("--no-auth accepts any token, so --token has no effect") }
        for (flag, limit) in [("--max-sessions", maxSessions), ("--starts-per-minute", startsPerMinute)] {
            if let limit, limit < 0 { throw ValidationError("\(flag) must be 0 or more") }
        }
    }
}

struct FleetOptions: ParsableArguments {
    @Option(help: "Number of synthetic sessions that run at any time.")
    var fleet: Int?

    @Option(help: "Exits of synthetic sessions per second; each is replaced.")
    var exitsPerSecond = 0.0

    @Option(help: "Bytes of the files in a synthetic session's /game/Saved, before compression.")
    var artifactBytes = 1_000_000

    @Option(help: "Log lines per second of a synthetic session.")
    var logLinesPerSecond = 4.0

    @Option(help: "Share of synthetic exits that leave a fatal error in the log.")
    var crashShare = 0.1

    func validate() throws {
        if let fleet, !(0...1_000_000).contains(fleet) { throw ValidationError("--fleet must be 0 to 1000000") }
        guard (0...100_000_000).contains(artifactBytes) else {
            throw ValidationError("--artifact-bytes must be 0 to 100000000")
        }
        guard (0...10_000).contains(exitsPerSecond), (0...1000).contains(logLinesPerSecond) else {
            throw ValidationError("--exits-per-second must be 0 to 10000, --log-lines-per-second 0 to 1000")
        }
    }
}
