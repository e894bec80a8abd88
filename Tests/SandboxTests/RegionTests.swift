import Foundation
import Testing

@testable import Sandbox

/// Regions that hold several data centers.
@Suite struct RegionTests {
    private static let regions = ["europe=frankfurt+paris", "us-east"]

    @Test func aSessionIsShownInItsDataCentre() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.locations = Self.regions }
        try await Stage.with(change) { stage in
            var centres: [String] = []
            for _ in 0..<4 {
                let answer = try await stage.run("waiter", at: "europe")
                #expect(answer.status == 201)
                let session = try await stage.described(answer)
                centres.append(try #require(session["location"] as? String))
                let labels = try #require(session["labels"] as? [String: String])
                #expect(labels["gameye"]?.contains(#""region":"europe""#) == true)
                #expect(labels["env"]?.contains(#""GAMEYE_LOCATION":"\#(centres.last ?? "")""#) == true)
            }
            #expect(centres == ["frankfurt", "paris", "frankfurt", "paris"])
            for name in ["paris", "us-east"] {
                let session = try await stage.described(try await stage.run("waiter", at: name))
                #expect(session["location"] as? String == name)
            }
            for (query, count) in [
                ("location=europe", 5), ("location=paris", 3), ("location=frankfurt", 2), ("location=us-east", 1),
                ("location=none", 0), ("location=", 0), ("filter[location]=europe", 5), ("filter[location]=paris", 3),
                ("filter[region]=europe", 5), ("filter[region]=paris", 0), ("filterNot[location]=europe", 1),
                ("filterNot[region]=europe", 1), ("filterNot[location]=frankfurt", 4),
            ] {
                #expect(try await stage.list("?\(query)").count == count, "\(query)")
            }
            let listing = try stage.object(try await stage.client.ask("GET", "/available-location/waiter"))
            let entries = try #require(listing["locations"] as? [[String: Any]])
            #expect(entries.compactMap { $0["id"] as? String } == ["europe", "us-east", "frankfurt", "paris"])
            #expect(entries.allSatisfy { $0["ips"] as? [String] == ["127.0.0.1"] })
        }
    }

    @Test func anImageMayNameEither() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.locations = Self.regions }
        try await Stage.with(change) { stage in
            try stage.image("centre", json: #"{"locations":["paris"]}"#)
            try stage.image("region", json: #"{"locations":["europe"]}"#)
            try stage.image("elsewhere", json: #"{"locations":["moon"]}"#)
            try stage.image("nowhere", json: #"{"locations":[]}"#)
            for (image, hosts) in [
                ("centre", ["europe", "paris"]), ("region", ["europe", "frankfurt", "paris"]), ("elsewhere", []),
                ("nowhere", []),
            ] {
                for name in ["europe", "us-east", "frankfurt", "paris", "moon"] {
                    let answer = try await stage.run(image, at: name)
                    #expect(answer.status == (hosts.contains(name) ? 201 : 404), "\(image) at \(name)")
                    if image == "centre", answer.status == 201 {
                        #expect(try await stage.described(answer)["location"] as? String == "paris")
                    }
                }
            }
        }
    }

    @Test func aFleetLivesInTheDataCentres() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.locations = Self.regions
            $0.fleet = SandboxFleet(running: 90, artifactBytes: 100)
        }
        try await Stage.with(change) { stage in
            let all = try await stage.list()
            let places = Dictionary(grouping: all) { $0["location"] as? String ?? "" }.mapValues(\.count)
            #expect(places == ["frankfurt": 30, "paris": 30, "us-east": 30])
            for entry in all {
                let labels = try #require(entry["labels"] as? [String: String])
                let region = entry["location"] as? String == "us-east" ? "us-east" : "europe"
                #expect(labels["gameye"]?.contains(#""region":"\#(region)""#) == true)
            }
            #expect(try await stage.list("?location=europe").count == 60)
            #expect(try await stage.list("?location=paris").count == 30)
        }
    }

    @Test(arguments: [
        [], [""], ["europe", ""], ["europe="], ["=paris"], ["europe=paris+"], ["europe=+paris"], ["europe", "europe"],
        ["europe=paris", "france=paris"], ["europe=europe"], ["europe=paris", "paris"], ["a=b+b"], ["a\u{0}"],
    ])
    func refusesLocationsThatNameNothingOrTwoThings(texts: [String]) {
        var configuration = SandboxConfiguration(images: "/tmp", root: NSTemporaryDirectory() + "unused")
        configuration.locations = texts
        #expect(throws: SandboxError.self) { try SandboxServer(configuration) }
    }

    @Test func readsRegionsInTheOrderGiven() throws {
        let places = try Places(["b=y+x", "a", "\u{e9}=e\u{301}", "c=d=e"])
        #expect(places.names == ["b", "a", "\u{e9}", "c", "y", "x", "e\u{301}", "d=e"])
        #expect(places.all.map(\.centre) == ["y", "x", "a", "e\u{301}", "d=e"])
        #expect(places.called("b").map(\.centre) == ["y", "x"])
        #expect(places.called("e\u{301}").map(\.region).map(\.utf8.count) == [2])
        #expect(places.called("none").isEmpty)
    }
}
