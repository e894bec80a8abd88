import Foundation
import Testing

@testable import Sandbox

/// No capacity: the API's status 420.
@Suite struct CapacityTests {
    private func checkFull(_ answer: WireClient.Answer, on stage: Stage) throws {
        #expect(answer.status == 420, "\(answer.text)")
        #expect(try stage.object(answer)["code"] as? String == "CAPACITY_UNAVAILABLE")
    }

    @Test func noMoreRunAtTheSameTimeThanMay() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.maximumSessions = 2 }
        try await Stage.with(change) { stage in
            try await stage.start("one", "waiter")
            try await stage.start("two", "waiter")
            let full = try await stage.run("waiter")
            try checkFull(full, on: stage)
            #expect(full.headers["retry-after"] == nil)
            #expect(full.text.contains("2 sessions are running; the limit is 2."))
            // An invalid request is rejected before the capacity is checked.
            #expect(try await stage.run("none").status == 404)
            let again = try await stage.client.ask(
                "POST", "/session", json: #"{"id":"one","location":"europe","image":"waiter"}"#)
            #expect(again.status == 409)
            #expect(try await stage.client.ask("DELETE", "/session/one").status == 204)
            try await stage.untilEnd("one")
            try await stage.start("three", "waiter")
            try checkFull(try await stage.run("waiter"), on: stage)
            #expect(try await stage.list("?all=true").count == 3)
        }
        let other: (inout SandboxConfiguration) -> Void = { $0.maximumSessions = 0 }
        try await Stage.with(other) { stage in
            try checkFull(try await stage.run("waiter"), on: stage)
        }
    }

    @Test func noMoreStartInAMinuteThanMay() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.startsPerMinute = 3
            $0.minute = 3600
        }
        try await Stage.with(change) { stage in
            for number in 0..<3 { try await stage.start("s\(number)", "player") }
            let full = try await stage.run("player")
            try checkFull(full, on: stage)
            let wait = try #require(full.headers["retry-after"].flatMap { Int($0) })
            #expect((1...3600).contains(wait))
            #expect(try await stage.list("?all=true").count == 3)
        }
    }

    @Test func theMinuteIsTheScaledOne() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.startsPerMinute = 1
            $0.minute = 0.4
        }
        try await Stage.with(change) { stage in
            try await stage.start("first", "player")
            let started = try await stage.eventually {
                let answer = try await stage.run("player")
                if answer.status == 420 { #expect(answer.headers["retry-after"] == "1") }
                return answer.status == 201
            }
            #expect(started)
        }
        let other: (inout SandboxConfiguration) -> Void = { $0.startsPerMinute = 0 }
        try await Stage.with(other) { stage in
            let full = try await stage.run("player")
            try checkFull(full, on: stage)
            #expect(full.headers["retry-after"] == nil)
        }
    }

    @Test func hostPortsRunOutAndComeBackWhole() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.ports = 20_000...20_002 }
        try await Stage.with(change) { stage in
            try stage.image("two", script: "sleep 60", json: #"{"ports":["7777/udp","7778/tcp"]}"#)
            try await stage.start("one", "two")
            // One port is free and two are wanted: the free one stays free.
            for _ in 0..<3 { try checkFull(try await stage.run("two"), on: stage) }
            try await stage.start("single", "waiter")
            try checkFull(try await stage.run("waiter"), on: stage)
            #expect(try await stage.client.ask("DELETE", "/session/one").status == 204)
            try await stage.untilEnd("one")
            try await stage.start("again", "two")
        }
    }

    @Test func limitsBelowZeroAreRefused() {
        var configuration = SandboxConfiguration(images: "/tmp", root: NSTemporaryDirectory() + "unused")
        configuration.maximumSessions = -1
        #expect(throws: SandboxError.self) { try SandboxServer(configuration) }
        configuration.maximumSessions = nil
        configuration.startsPerMinute = -1
        #expect(throws: SandboxError.self) { try SandboxServer(configuration) }
    }
}
