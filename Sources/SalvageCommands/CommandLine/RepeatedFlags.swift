import ArgumentParser
import Foundation

/// Finds single-value flags that are given twice. The argument parser silently keeps the last value, so that a query
/// about two builds would return one.
///
/// The commands' description says which flags may be repeated. Building it takes longer than a query, so that is done
/// only if a flag occurs twice.
enum RepeatedFlags {
    /// Flags whose last value wins, as in ripgrep, so that a shell alias can be overridden.
    private static let lastCounts: Set<String> = [
        "--color", "--after-context", "--before-context", "--context", "--max-count", "--threads",
    ]

    /// Short names of single-value options, by command.
    private static let aliases: [String: [String: String]] = ["logs": ["-g": "--grep"], "api": ["-o": "--output"]]

    /// Returns the usage error for the first such flag; nil if there is none.
    static func mistake(in arguments: [String]) -> Failure? {
        var seen: Set<String> = []
        var twice: [String] = []
        var isValue = false
        for argument in arguments.prefix(while: { $0 != "--" }) {
            defer { isValue = ["-e", "--regexp", "--arg"].contains(argument) }
            guard !isValue else { continue }
            let spelled = argument.firstIndex(of: "=").map { String(argument[..<$0]) } ?? argument
            let name = arguments.first.flatMap { aliases[$0]?[spelled] } ?? spelled
            guard name.hasPrefix("--") else { continue }
            if !seen.insert(name).inserted, !lastCounts.contains(name) { twice.append(name) }
        }
        guard !twice.isEmpty else { return nil }
        let single = singleValued(arguments)
        guard let name = twice.first(where: single.contains) else { return nil }
        return Failure(
            "repeated_flag", "\(name) is given twice but takes one value", hint: "remove one of them", status: .usage
        )
    }

    /// The long names of the single-value options of the command that the arguments call.
    private static func singleValued(_ arguments: [String]) -> Set<String> {
        guard let tool = (try? JSONSerialization.jsonObject(with: Data(Salvage._dumpHelp().utf8))) as? [String: Any],
            var command = tool["command"] as? [String: Any]
        else { return [] }
        for word in arguments.prefix(2) {
            guard let next = child(word, of: command) else { break }
            command = next
        }
        if let word = command["defaultSubcommand"] as? String, let next = child(word, of: command) { command = next }
        var names: Set<String> = []
        for argument in command["arguments"] as? [[String: Any]] ?? []
        where argument["kind"] as? String == "option" && argument["isRepeating"] as? Bool == false {
            for name in argument["names"] as? [[String: Any]] ?? [] where name["kind"] as? String == "long" {
                if let text = name["name"] as? String { names.insert("--" + text) }
            }
        }
        return names
    }

    private static func child(_ word: String, of command: [String: Any]) -> [String: Any]? {
        (command["subcommands"] as? [[String: Any]])?.first { $0["commandName"] as? String == word }
    }
}
