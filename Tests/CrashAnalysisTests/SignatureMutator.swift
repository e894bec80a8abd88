import Foundation
import Model

@testable import CrashAnalysis

/// Changes only what differs between two runs of one program: process and thread ids, addresses (modules slide,
/// offsets within them stay), times, names of players and hosts, folders of users.
struct SignatureMutator {
    private var state: UInt64
    private var ids: [String: String] = [:]
    private var names: [String: String] = [:]
    private let slide: UInt64
    private let years: Int
    private let minutes: Int
    private(set) var changes = 0

    init(seed: UInt64) {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        for _ in 0..<4 { state = Self.step(state) }
        // Far less than the space between modules and the ends of their region.
        slide = (state % 0xf_fff0 + 0x10) << 16
        years = Int((state >> 32) % 3) + 1
        minutes = Int((state >> 40) % 37) + 1
        self.state = state
    }

    private static func step(_ state: UInt64) -> UInt64 {
        var state = state
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    private mutating func next() -> UInt64 {
        state = Self.step(state)
        return state
    }

    /// Another id of another width; always the same one for the same id.
    private mutating func id(_ old: String) -> String {
        if let known = ids[old] { return known }
        let width = Int(next() % 5) + 2
        var number = 1 + next() % 9
        for _ in 1..<width { number = number * 10 + next() % 10 }
        // The kernel's maximum.
        let new = String(number % 4_194_303 + 2)
        ids[old] = new
        return new
    }

    private mutating func name(_ old: String) -> String {
        if let known = names[old] { return known }
        let parts = ["Ada", "bram", "Çelik", "Dov_", "Eze", "Fyodor", "gus", "Hana", "Ivo", "June"]
        var new = parts[Int(next() % 10)] + parts[Int(next() % 10)]
        if next() % 2 == 0 { new += String(next() % 1000) }
        names[old] = new
        return new
    }

    // MARK: Texts

    private static func pattern(_ text: String) -> NSRegularExpression? { try? NSRegularExpression(pattern: text) }

    /// Each has one group, which is changed.
    private static let processes = [
        #"(?i)\b(?:pid|tid|lwp|process|ppid)[ :=#]{1,2}(\d{2,7})\b"#, #"==(\d{2,7})=="#, #"line \d+: +(\d{2,7}) "#,
        #"(?m)^\[?(?:systemd-coredump|kernel|init)\[(\d{2,7})\]"#, #"goroutine ([2-9]\d*|1\d+) \["#,
        #"\(LWP (\d{2,7})\)"#,
        #"thread '[^']*' \((\d{2,7})\) panicked"#,
    ]
    private static let players = [
        #"\b[Pp]layer '([A-Za-z0-9_]{3,20})'"#, #"LogChat: (?:Display: )?\[([A-Za-z0-9_]{3,20})\]"#,
        #"\b([A-Z][a-z0-9_]{2,20}) (?:joined|left) the game"#, #"/home/([a-z0-9]+)/"#, #"<([A-Z][A-Za-z0-9_]{2,20})> "#,
    ]

    /// The text of another run.
    mutating func text(_ original: String) -> String {
        var text = original
        for pattern in Self.processes {
            text = replacing(pattern, in: text) { mutator, old in mutator.id(old) }
        }
        for pattern in Self.players {
            guard let expression = Self.pattern(pattern) else { continue }
            let whole = NSRange(text.startIndex..., in: text)
            let found = Set(
                expression.matches(in: text, range: whole).compactMap { match in
                    Range(match.range(at: 1), in: text).map { String(text[$0]) }
                })
            for old in found.sorted() {
                let new = name(old)
                text = replacing("(?<![A-Za-z0-9_])(\(old))(?![A-Za-z0-9_:.(])", in: text) { _, _ in new }
            }
        }
        text = replacing(#"(?<![0-9A-Za-z_])(0[xX][0-9a-fA-F]{11,16}|0000[0-9a-fA-F]{12})(?![0-9A-Za-z_])"#, in: text) {
            mutator, old in
            mutator.slid(old)
        }
        text = replacing(#"(?<!\d)(20[12]\d)(?=[-./]\d\d[-./]\d\d)"#, in: text) { mutator, old in
            String((Int(old) ?? 2020) - mutator.years)
        }
        // Hours could pass midnight.
        let most = Self.matches(#"(?<!\d)\d\d[:.](\d\d)[:.]\d\d"#, in: text).compactMap { Int($0) }.max() ?? 0
        let later = min(minutes, 59 - min(59, most))
        return replacing(#"(?<=[ T\[(\-]\d\d:)(\d\d)(?=:\d\d)"#, in: text) { _, old in
            String(format: "%02d", (Int(old) ?? 0) + later)
        }
    }

    private func slid(_ old: String) -> String {
        let hasMark = old.hasPrefix("0x") || old.hasPrefix("0X")
        let digits = hasMark ? String(old.dropFirst(2)) : old
        guard let value = UInt64(digits, radix: 16), let new = Self.slid(value, slide), new != value else { return old }
        let text = String(new, radix: 16)
        let isUpper = digits.contains { $0.isUppercase }
        let padded = String(repeating: "0", count: max(0, digits.count - text.count)) + text
        return (hasMark ? String(old.prefix(2)) : "") + (isUpper ? padded.uppercased() : padded)
    }

    /// The new address in a relocated program, library or stack; nil for numbers that are no such address.
    private static func slid(_ address: UInt64, _ slide: UInt64) -> UInt64? {
        switch address >> 44 {
        case 5: return 0x5000_0000_0000 | (address &+ slide) & 0xfff_ffff_ffff
        case 7: return 0x7000_0000_0000 | (address &+ slide) & 0xfff_ffff_ffff
        default: return nil
        }
    }

    private static func matches(_ pattern: String, in text: String) -> [String] {
        guard let expression = Self.pattern(pattern) else { return [] }
        return expression.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap { match in
            Range(match.range(at: 1), in: text).map { String(text[$0]) }
        }
    }

    private mutating func replacing(
        _ pattern: String, in text: String, by new: (inout SignatureMutator, String) -> String
    )
        -> String
    {
        guard let expression = Self.pattern(pattern) else { return text }
        var result = ""
        var end = text.startIndex
        for match in expression.matches(in: text, range: NSRange(text.startIndex..., in: text)) {
            guard let range = Range(match.range(at: 1), in: text), range.lowerBound >= end else { continue }
            let old = String(text[range])
            let replacement = new(&self, old)
            if replacement != old { changes += 1 }
            result += text[end..<range.lowerBound]
            result += replacement
            end = range.upperBound
        }
        return result + text[end...]
    }

    // MARK: Records

    /// The record of another run of the same build.
    mutating func record(_ original: CrashRecord) -> CrashRecord {
        var record = original
        record.pid = original.pid.flatMap { Int(id(String($0))) }
        record.thread = original.thread.flatMap { Int(id(String($0))) }
        record.time = "2031-01-02T03:04:05.678Z"
        record.session = "another"
        record.location = "elsewhere"
        record.executable = original.executable.map { "/opt/other/" + SystemModules.baseName($0) }
        record.commandLine = original.commandLine.map { _ in "other -log -port=1" }
        record.address = original.address.map { Address($0.value &+ slide) }
        for index in record.modules.indices {
            record.modules[index].base = Address(record.modules[index].base.value &+ slide)
        }
        record.frames = frames(original.frames)
        for index in record.threads.indices {
            record.threads[index].thread = Int(id(String(record.threads[index].thread))) ?? 1
            record.threads[index].frames = frames(record.threads[index].frames)
            record.threads[index].registers = record.threads[index].registers.mapValues { Address($0.value &+ slide) }
        }
        changes += 1
        return record
    }

    private func frames(_ frames: [CrashFrame]) -> [CrashFrame] {
        frames.map { frame in
            var frame = frame
            frame.address = frame.address.map { Address($0.value &+ slide) }
            // Build paths differ by machine, run paths by host.
            frame.file = frame.file.map { $0.hasPrefix("/") ? "/elsewhere/" + SystemModules.baseName($0) : $0 }
            return frame
        }
    }
}
