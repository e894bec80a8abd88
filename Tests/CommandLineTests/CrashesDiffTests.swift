import Foundation
import Testing

@Suite struct CrashesDiffTests {
    @Test func aBuildIsComparedWithTheOneBefore() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        func log(_ type: String) -> String {
            """
            Traceback (most recent call last):
              File "server.py", line 3, in <module>
                tick()
              File "server.py", line 2, in \(type.lowercased())_tick
                raise \(type)("x")
            \(type): x

            """
        }
        func session(_ id: String, _ tag: String, _ type: String?) throws {
            let file = scratch.path(id + ".log")
            try (type.map(log) ?? "bye\n").write(toFile: file, atomically: true, encoding: .utf8)
            let outcome = try Program.run(["ingest", "--store", store, "--session", id, "--tag", tag, file])
            try #require(outcome.status == 0, "\(outcome.err)")
        }
        try session("a1", "1.0", "KeyError")
        try session("a2", "1.0", "TypeError")
        try session("a3", "1.0", "OSError")
        try session("a4", "1.0", nil)
        try session("b1", "1.1", "KeyError")
        try session("b2", "1.1", "ValueError")
        let diff = try Program.run(["crashes", "diff", "1.0", "1.1", "--store", store, "--json"])
        let words = diff.objects.reduce(into: [String: String]()) { all, object in
            let name = (object["signature"] as? String ?? "").split(separator: " ").first.map(String.init) ?? ""
            all[name] = object["change"] as? String
        }
        #expect(
            words == ["KeyError": "more", "ValueError": "new", "TypeError": "gone", "OSError": "gone"], "\(diff.err)")
        #expect(diff.objects.first?["change"] as? String == "new")
        let text = try Program.run(["crashes", "diff", "1.1", "1.0", "--store", store])
        #expect(text.out.contains("fewer") && text.out.contains("50.0 % → 25.0 %"), "\(text.out)")
        #expect(try Program.run(["crashes", "diff", "1.0", "9.9", "--store", store]).status == 1)
        #expect(try Program.run(["crashes", "diff", "1.0", "1.1", "--tag", "x", "--store", store]).status == 64)
    }
}
