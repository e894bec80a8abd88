import Bytes
import Foundation
import Testing

@testable import Sandbox

/// What can run where: three operations use one rule.
@Suite struct HostingTests {
    /// A version of an image in a test.
    private struct Version {
        var name: String
        /// Higher is later; known here from a list written by hand.
        var rank: Int
        var priority = 0
        /// Nil for everywhere.
        var locations: [String]?
        var isReadable = true
        var isExecutable = true
    }

    private static let regions = ["europe=frankfurt+paris", "us-east", "asia=tokyo"]
    /// The data centers that each name means.
    private static let centres: [String: Set<String>] = [
        "europe": ["frankfurt", "paris"], "us-east": ["us-east"], "asia": ["tokyo"], "frankfurt": ["frankfurt"],
        "paris": ["paris"], "tokyo": ["tokyo"],
    ]
    private static let names = ["europe", "us-east", "asia", "frankfurt", "paris", "tokyo"]
    /// From the lowest to the highest.
    private static let ladder = ["latest", "0.9", "1.0-rc2", "1.0-rc10", "1.0", "v1.10", "1.11.0"]
    private static let brokenTexts = [
        "{", "", "[]", "null", #"{"priority":"high"}"#, #"{"priority":1.5}"#, #"{"locations":"paris"}"#,
        #"{"ports":["7777/sctp"]}"#, #"{"ports":["0/udp"]}"#, #"{"env":{"A=B":"c"}}"#, #"{"env":{"A":1}}"#,
        #"{"workdir":"../up"}"#, #"{"executable":"../server"}"#, #"{"executable":""}"#, #"{"copy":"no"}"#,
        #"{"args":["a\u0000"]}"#, #"{"priority":99999999999999999999}"#, #"{"ports":["1/udp","1/udp"]}"#,
        #"{"labels":{"tags":"mine"}}"#, #"{"workdir":"\#(String(repeating: "a", count: 256))"}"#,
    ]

    /// Creates the folder of the version.
    private func make(_ image: String, _ version: Version, on stage: Stage, _ dice: inout SplitMix64) throws {
        var json: [String: Any] = [:]
        if version.priority != 0 || Bool.random(using: &dice) { json["priority"] = version.priority }
        if let locations = version.locations { json["locations"] = locations }
        var text: String? =
            json.isEmpty ? nil : String(decoding: try JSONSerialization.data(withJSONObject: json), as: UTF8.self)
        let way = Int.random(in: 0..<11, using: &dice)
        let folder = try stage.image(image, version.name, script: nil)
        if version.isExecutable {
            switch way % 3 {
            case 0: try stage.file(folder + "/server", "#!/bin/sh\nexit 0\n")
            case 1: try stage.file(folder + "/game", "#! /bin/sh -e\nexit 0\n")
            default:
                try stage.file(folder + "/other", "#!/bin/sh\nexit 1\n")
                try stage.file(folder + "/game", "#!/bin/sh\nexit 0\n")
                json["executable"] = "game"
                text = String(decoding: try JSONSerialization.data(withJSONObject: json), as: UTF8.self)
            }
        } else {
            switch way {
            case 0: try stage.file(folder + "/notes", "none\n", mode: 0o644)
            case 1: try stage.file(folder + "/server", "#!/bin/sh\nexit 0\n", mode: 0o644)
            case 2: try stage.file(folder + "/server", "echo without a first line\n")
            case 3: try stage.file(folder + "/server", "#!/bin/sh\r\nexit 0\r\n")
            case 4:
                for name in ["one", "two"] { try stage.file("\(folder)/\(name)", "#!/bin/sh\n") }
            case 5:
                try FileManager.default.createDirectory(atPath: folder + "/server", withIntermediateDirectories: true)
            case 6: try FileManager.default.createSymbolicLink(atPath: folder + "/server", withDestinationPath: "none")
            case 7: try stage.file(folder + "/server", "\u{7f}ELF garbage")
            case 8: try stage.file(folder + "/server", "#!/tmp\nexit 0\n")
            case 9: #expect(mkfifo(folder + "/server", 0o700) == 0)
            default:
                try stage.file(folder + "/server", "#!/bin/sh\nexit 0\n")
                #expect(mkfifo(folder + "/pipe", 0o600) == 0)
            }
        }
        if !version.isReadable { text = Self.brokenTexts.randomElement(using: &dice) }
        if let text { try stage.file(folder + "/image.json", text, mode: 0o644) }
    }

    private static func version(_ rank: Int, _ dice: inout SplitMix64) -> Version {
        var version = Version(name: ladder[rank], rank: rank)
        if Int.random(in: 0..<3, using: &dice) == 0 { version.priority = Int.random(in: -1...2, using: &dice) }
        switch Int.random(in: 0..<4, using: &dice) {
        case 0: version.locations = (names + ["moon"]).filter { _ in Int.random(in: 0..<4, using: &dice) == 0 }
        case 1: version.locations = (names + ["moon"]).shuffled(using: &dice).prefix(2).map { $0 }
        default: break
        }
        version.isReadable = Int.random(in: 0..<8, using: &dice) > 0
        version.isExecutable = Int.random(in: 0..<7, using: &dice) > 0
        return version
    }

    /// The rule's result for one version at one place: 201, 404 or 500.
    private static func expected(_ version: Version, at name: String) -> Int {
        guard let centres = centres[name] else { return 404 }
        guard version.isReadable else { return 500 }
        let hosts = version.locations.map { $0.contains { !(Self.centres[$0] ?? []).isDisjoint(with: centres) } }
        guard hosts ?? true else { return 404 }
        return version.isExecutable ? 201 : 500
    }

    /// The version that runs if none is given: the first that the place can host.
    private static func highest(_ versions: [Version], at name: String) -> (status: Int, tag: String?) {
        let order = versions.sorted { one, other in
            let (left, right) = (one.isReadable ? one.priority : 0, other.isReadable ? other.priority : 0)
            return left == right ? one.rank > other.rank : left > right
        }
        for version in order {
            let status = expected(version, at: name)
            if status != 404 { return (status, status == 201 ? version.name : nil) }
        }
        return (404, nil)
    }

    @Test(arguments: 1...2) func theThreeOperationsAgreeOverImagesMadeAtRandom(seed: Int) async throws {
        let quiet = ServerLog { _ in }
        let change: (inout SandboxConfiguration) -> Void = { $0.locations = Self.regions }
        try await Stage.with(change, log: quiet) { stage in
            var dice = SplitMix64(seed: UInt64(seed))
            var met: [Int: Int] = [:]
            for number in 0..<6 {
                let image = "random-\(number)"
                let ranks = Self.ladder.indices.shuffled(using: &dice).prefix(Int.random(in: 0...4, using: &dice))
                let versions = ranks.map { Self.version($0, &dice) }
                try stage.imageFolder(image)
                for version in versions { try make(image, version, on: stage, &dice) }
                let listing = try await stage.client.ask("GET", "/available-location/\(image)")
                var listed: [String]?
                if listing.status == 200 {
                    let entries = try stage.object(listing)["locations"] as? [[String: Any]]
                    listed = entries?.compactMap { $0["id"] as? String }
                }
                var started: [String] = []
                var broken = false
                for name in Self.names + ["moon"] {
                    let answer = try await stage.run(image, at: name)
                    let wanted = Self.highest(versions, at: name)
                    #expect(answer.status == wanted.status, "\(versions) at \(name): \(answer.text)")
                    met[answer.status, default: 0] += 1
                    if answer.status == 201 {
                        started.append(name)
                        let session = try await stage.described(answer)
                        #expect(session["tag"] as? String == wanted.tag, "\(versions) at \(name)")
                        let centre = try #require(session["location"] as? String)
                        #expect(Self.centres[name]?.contains(centre) == true)
                    }
                    if answer.status == 500 { broken = true }
                    for version in versions {
                        try await compare(image, version, at: name, on: stage)
                    }
                }
                #expect((listing.status == 500) == broken, "\(listing.text)")
                if !broken { #expect(listed == started) }
            }
            #expect(Set(met.keys).isSuperset(of: [201, 404]))
        }
    }

    private func compare(_ image: String, _ version: Version, at name: String, on stage: Stage) async throws {
        let path = "/tag/\(name)/\(image)/\(version.name)"
        let exists = try await stage.client.ask("GET", path)
        let run = try await stage.run(image, version: version.name, at: name)
        let wanted = Self.expected(version, at: name)
        #expect(run.status == wanted, "\(version) at \(name): \(run.text)")
        switch run.status {
        case 201: #expect(exists.text == #"{"exists":true}"#, "\(version) at \(name)")
        case 404: #expect(exists.text == #"{"exists":false}"#, "\(version) at \(name)")
        default:
            #expect(exists.status == 500, "\(version) at \(name): \(exists.text)")
            #expect(exists.text.contains("IMAGE_BROKEN"))
            #expect(run.text.contains("IMAGE_BROKEN"))
        }
    }

    @Test func anImageThatIsNotThereIs404Everywhere() async throws {
        try await Stage.with { stage in
            #expect(try await stage.client.ask("GET", "/available-location/none").status == 404)
            #expect(try await stage.client.ask("GET", "/tag/europe/none/1.0").status == 404)
            #expect(try await stage.run("none").status == 404)
            try stage.imageFolder("empty")
            #expect(try await stage.client.ask("GET", "/available-location/empty").text == #"{"locations":[]}"#)
            #expect(try await stage.client.ask("GET", "/tag/europe/empty/1.0").text == #"{"exists":false}"#)
            #expect(try await stage.run("empty").status == 404)
        }
    }

    @Test func aLinkedVersionIsCopiedAsWhatItMeans() async throws {
        try await Stage.with { stage in
            try stage.image("game", "1.0", script: "echo one point oh")
            let link = "\(stage.folder)/images/game/stable"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "1.0")
            let answer = try await stage.run("game", version: "stable")
            #expect(answer.status == 201, "\(answer.text)")
            let session = try await stage.described(answer)
            #expect(session["tag"] as? String == "stable")
            let id = try #require(session["id"] as? String)
            #expect(try await stage.untilEnd(id).text == "one point oh\n")
        }
    }

    @Test func versionsThatDifferInBytesAloneAreTwo() async throws {
        try await Stage.with { stage in
            try stage.image("caf\u{e9}", "v\u{e9}", script: "echo composed")
            #expect(try await stage.client.ask("GET", "/tag/europe/caf%C3%A9/v%C3%A9").text == #"{"exists":true}"#)
            #expect(try await stage.client.ask("GET", "/tag/europe/caf%C3%A9/ve%CC%81").text == #"{"exists":false}"#)
            #expect(try await stage.client.ask("GET", "/tag/europe/cafe%CC%81/v%C3%A9").status == 404)
        }
    }
}
