import Bytes

/// A Breakpad symbol file (Breakpad `docs/symbol_files.md`): records are indexed once and parsed on demand.
final class BreakpadSymbols {
    struct Call {
        var function: String
        var file: String?
        var line: Int?
        var inlined: Bool
    }

    private struct Entry {
        var start: UInt64
        var size: UInt64
        var at: Int
    }

    private static let longest: UInt64 = 1 << 30

    private let bytes: [UInt8]
    private var functions: [Entry] = []
    private var publics: [Entry] = []
    private var frames: [Entry] = []
    private var windows: [Entry] = []
    private var files: [Int: Int] = [:]
    private var origins: [Int: Int] = [:]

    /// Reads and indexes a file; nil when it exceeds 1 GiB or does not begin with a MODULE record.
    init?(_ source: any ByteSource) {
        guard source.size <= Self.longest else { return nil }
        bytes = source.bytes(at: 0, count: Int(source.size))
        guard bytes.starts(with: Array("MODULE ".utf8)) else { return nil }
        var at = 0
        while at < bytes.count {
            index(at)
            at = lineEnd(at) + 1
        }
        functions.sort { ($0.start, $0.at) < ($1.start, $1.at) }
        publics.sort { $0.start < $1.start }
        frames.sort { $0.start < $1.start }
        windows.sort { $0.start < $1.start }
    }

    private func lineEnd(_ at: Int) -> Int {
        var end = at
        while end < bytes.count, bytes[end] != 0x0a { end += 1 }
        return end
    }

    private func line(_ at: Int) -> String {
        var end = lineEnd(at)
        if end > at, bytes[end - 1] == 0x0d { end -= 1 }
        return String(decoding: bytes[at..<min(end, at + 65536)], as: UTF8.self)
    }

    private func words(_ at: Int, most: Int) -> [Substring] {
        line(at).split(separator: " " as Character, maxSplits: most - 1)
    }

    private func starts(_ at: Int, _ word: StaticString) -> Bool {
        word.withUTF8Buffer { wanted in
            at + wanted.count <= bytes.count && (0..<wanted.count).allSatisfy { bytes[at + $0] == wanted[$0] }
        }
    }

    private func index(_ at: Int) {
        if starts(at, "FUNC ") {
            let parts = words(at, most: 6)
            let skip = parts.count > 1 && parts[1] == "m" ? 1 : 0
            guard parts.count > 2 + skip, let start = UInt64(parts[1 + skip], radix: 16),
                let size = UInt64(parts[2 + skip], radix: 16)
            else { return }
            functions.append(Entry(start: start, size: size, at: at))
        } else if starts(at, "PUBLIC ") {
            let parts = words(at, most: 5)
            let skip = parts.count > 1 && parts[1] == "m" ? 1 : 0
            guard parts.count > 1 + skip, let start = UInt64(parts[1 + skip], radix: 16) else { return }
            publics.append(Entry(start: start, size: 0, at: at))
        } else if starts(at, "STACK CFI INIT ") {
            let parts = words(at, most: 6)
            guard parts.count > 4, let start = UInt64(parts[3], radix: 16), let size = UInt64(parts[4], radix: 16)
            else {
                return
            }
            frames.append(Entry(start: start, size: size, at: at))
        } else if starts(at, "STACK WIN ") {
            let parts = words(at, most: 6)
            guard parts.count > 4, let start = UInt64(parts[3], radix: 16), let size = UInt64(parts[4], radix: 16)
            else {
                return
            }
            windows.append(Entry(start: start, size: size, at: at))
        } else if starts(at, "FILE "), let number = words(at, most: 3).dropFirst().first.flatMap({ Int($0) }) {
            files[number] = at
        } else if starts(at, "INLINE_ORIGIN "), let number = words(at, most: 3).dropFirst().first.flatMap({ Int($0) }) {
            origins[number] = at
        }
    }

    private func last(_ entries: [Entry], at address: UInt64) -> Entry? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? entries[low - 1] : nil
    }

    private func covering(_ entries: [Entry], _ address: UInt64) -> Entry? {
        last(entries, at: address).flatMap { address - $0.start < $0.size ? $0 : nil }
    }

    private func name(_ table: [Int: Int], _ number: Int) -> String? {
        table[number].flatMap { words($0, most: 3).dropFirst(2).first.map(String.init) }
    }

    /// Returns the calls at an offset of the module, innermost first.
    func calls(at offset: UInt64) -> [Call] {
        guard let function = covering(functions, offset) else {
            // A public symbol extends to the next symbol of either kind.
            guard let found = last(publics, at: offset) else { return [] }
            if let before = last(functions, at: offset), before.start > found.start { return [] }
            let parts = words(found.at, most: 5)
            let skip = parts.count > 1 && parts[1] == "m" ? 1 : 0
            // `PUBLIC [m] address parameter_size name`.
            let head = line(found.at).split(separator: " " as Character, maxSplits: 3 + skip)
            guard head.count > 3 + skip else { return [] }
            return [Call(function: String(head[3 + skip]), file: nil, line: nil, inlined: false)]
        }
        let parts = words(function.at, most: 6)
        let skip = parts.count > 1 && parts[1] == "m" ? 1 : 0
        let head = line(function.at).split(separator: " " as Character, maxSplits: 4 + skip)
        var calls = [
            Call(function: head.count > 4 + skip ? String(head[4 + skip]) : "", file: nil, line: nil, inlined: false)
        ]
        var inlines: [(depth: Int, callLine: Int, callFile: Int, origin: Int)] = []
        var at = lineEnd(function.at) + 1
        var place: (file: Int, line: Int)?
        while at < bytes.count, starts(at, "INLINE ") || Hex.value(bytes[at]) != nil {
            let parts = line(at).split(separator: " " as Character)
            if starts(at, "INLINE ") {
                if let inline = inline(parts, covering: offset) { inlines.append(inline) }
            } else if starts(at, "FUNC ") || starts(at, "FILE ") {
                break
            } else if parts.count >= 4, let start = UInt64(parts[0], radix: 16), let size = UInt64(parts[1], radix: 16),
                offset >= start, offset - start < size, let number = Int(parts[2]), let file = Int(parts[3])
            {
                place = (file, number)
            }
            at = lineEnd(at) + 1
        }
        inlines.sort { $0.depth > $1.depth }
        var result: [Call] = []
        for inline in inlines {
            result.append(
                Call(
                    function: name(origins, inline.origin) ?? "", file: place.flatMap { name(files, $0.file) },
                    line: place?.line, inlined: true))
            place = (inline.callFile, inline.callLine)
        }
        calls[0].file = place.flatMap { name(files, $0.file) }
        calls[0].line = place?.line
        return result + calls
    }

    /// `INLINE depth call_line call_file origin [start size]+`.
    private func inline(
        _ parts: [Substring], covering offset: UInt64
    ) -> (depth: Int, callLine: Int, callFile: Int, origin: Int)? {
        guard parts.count >= 7, let depth = Int(parts[1]), let line = Int(parts[2]), let file = Int(parts[3]),
            let origin = Int(parts[4])
        else { return nil }
        for at in stride(from: 5, to: parts.count - 1, by: 2) {
            guard let start = UInt64(parts[at], radix: 16), let size = UInt64(parts[at + 1], radix: 16) else {
                return nil
            }
            if offset >= start, offset - start < size { return (depth, line, file, origin) }
        }
        return nil
    }

    /// Returns the register rules of STACK CFI for an offset, by register name.
    func frameRules(at offset: UInt64) -> [String: [Substring]]? {
        guard let entry = covering(frames, offset) else { return nil }
        var rules: [String: [Substring]] = [:]
        func take(_ text: ArraySlice<Substring>) {
            var register: String?
            for word in text {
                if word.hasSuffix(":") {
                    let name = String(word.dropLast())
                    register = name
                    rules[name] = []
                } else if let register {
                    rules[register]?.append(word)
                }
            }
        }
        take(line(entry.at).split(separator: " " as Character)[5...])
        var at = lineEnd(entry.at) + 1
        while at < bytes.count, starts(at, "STACK CFI "), !starts(at, "STACK CFI INIT ") {
            let parts = line(at).split(separator: " " as Character)
            guard parts.count > 3, let start = UInt64(parts[2], radix: 16), start <= offset else { break }
            take(parts[3...])
            at = lineEnd(at) + 1
        }
        return rules
    }

    /// A STACK WIN record.
    struct WindowsFrame {
        var parameters: UInt64
        var savedRegisters: UInt64
        var locals: UInt64
        var program: String?
        var allocatesBase: Bool
    }

    /// Returns the STACK WIN record for an offset; one with a program (type 4) wins over a plain one.
    func windowsFrame(at offset: UInt64) -> WindowsFrame? {
        var plain: WindowsFrame?
        var low = 0
        var high = windows.count
        while low < high {
            let middle = (low + high) / 2
            if windows[middle].start <= offset { low = middle + 1 } else { high = middle }
        }
        // Records nest; the innermost one starts last.
        for at in stride(from: low - 1, through: max(0, low - 16), by: -1) where at >= 0 {
            guard offset - windows[at].start < windows[at].size else { continue }
            let parts = line(windows[at].at).split(separator: " " as Character, maxSplits: 12)
            guard parts.count == 13 else { continue }
            func hex(_ index: Int) -> UInt64 { UInt64(parts[index], radix: 16) ?? 0 }
            var frame = WindowsFrame(
                parameters: hex(7), savedRegisters: hex(8), locals: hex(9), program: nil, allocatesBase: false)
            if parts[11] == "1" {
                frame.program = String(parts[12])
                return frame
            }
            frame.allocatesBase = parts[12].trimmed == "1"
            plain = plain ?? frame
        }
        return plain
    }

    /// Returns the size in bytes of the parameters of the function at an offset.
    func parameterSize(at offset: UInt64) -> UInt64 {
        if let frame = windowsFrame(at: offset) { return frame.parameters }
        guard let function = covering(functions, offset) else { return 0 }
        let parts = words(function.at, most: 6)
        let skip = parts.count > 1 && parts[1] == "m" ? 1 : 0
        return parts.count > 3 + skip ? UInt64(parts[3 + skip], radix: 16) ?? 0 : 0
    }
}
