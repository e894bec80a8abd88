import ArgumentParser
import Testing

@testable import SalvageCommands

@Suite struct GrepQuickArgumentsTests {
    private static let words: [[String]] = [
        ["-F"], ["--fixed-strings"], ["-i"], ["--ignore-case"], ["-S"], ["--smart-case"], ["-s"], ["-w"], ["-x"],
        ["--crlf"], ["-v"], ["-c"], ["--count-matches"], ["--include-zero"], ["-l"], ["-L"], ["-o"], ["-q"], ["-n"],
        ["-N"], ["-I"], ["--heading"], ["-a"], ["--binary"], ["--explain"], ["--no-filters"], ["--strict-time"],
        ["--crashed"], ["--json"], ["--quiet"], ["--verbose"], ["-iF"], ["-ivc"], ["-iA"], ["-e", "x"], ["-e", "-x"],
        ["--regexp", "y"], ["--regexp=z=1"], ["-f", "list"], ["-g", "*.log"], ["--path=a/**"], ["--session", "s1"],
        ["--label", "k=v"], ["--label=k=v=w"], ["-A", "1"], ["-A1"], ["-B", "2"], ["-C3"], ["-C", "-1"],
        ["--context=4"], ["-m", "5"], ["-m5"], ["-mx"], ["-j", "2"], ["--threads=0"], ["--limit", "10"],
        ["--limit=-3"], ["--last", "2m"], ["--image", "a*"], ["--tag=1"], ["--location", "eu"], ["--since", "2h"],
        ["--until=yesterday"], ["--store", "/s"], ["--config=c"], ["--color", "always"], ["--color=sometimes"],
        ["pattern"], ["other"], ["-"], ["--"], ["-h"], ["--help"], ["--unknown"], ["-Z"], ["--tag="], [""], ["-A="],
        ["-g"], ["-é"], ["--store"],
    ]

    /// Every property of the command, in the state in which its wrapper keeps it.
    private func facts(_ value: Any, _ path: String = "") -> [String] {
        Mirror(reflecting: value).children.flatMap { child -> [String] in
            let name = path + "." + (child.label ?? "")
            guard let state = Mirror(reflecting: child.value).children.first(where: { $0.label == "_parsedValue" })
            else { return ["\(name) has no state"] }
            guard let set = Mirror(reflecting: state.value).children.first, set.label == "value" else {
                return ["\(name) was not set"]
            }
            if set.value is any ParsableArguments { return facts(set.value, name) }
            return ["\(name) = \(set.value)"]
        }
    }

    @Test func everyPropertyIsSet() throws {
        let command = try #require(GrepQuickArguments.command(["pattern"]))
        let all = facts(command)
        #expect(all.count > 40)
        #expect(all.filter { !$0.contains(" = ") }.isEmpty, "give new flags a value in GrepQuickArguments")
    }

    @Test func agreesWithTheArgumentParserWhereItAnswers() throws {
        var seed: UInt64 = 7
        func below(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        var understood = 0
        for round in 0..<400 {
            var arguments: [String] = []
            if round < Self.words.count {
                arguments = Self.words[round]
            } else {
                for _ in 0..<1 + below(5) { arguments += Self.words[below(Self.words.count)] }
            }
            guard let quick = GrepQuickArguments.command(arguments) else { continue }
            understood += 1
            let slow = try? Grep.parseAsRoot(arguments) as? Grep
            let parsed = try #require(slow, "only the quick way understood \(arguments)")
            #expect(facts(quick) == facts(parsed), "\(arguments)")
        }
        #expect(understood > 100)
    }
}
