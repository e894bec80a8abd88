import Calendar

/// The prefix that a supervisor puts before every line: compose, pm2, supervisord, Kubernetes, the journal. Learnt from
/// the first lines of a member, and removed before anything is judged.
struct Supervisor {
    /// A line without the prefix.
    struct Line {
        var text: ArraySlice<UInt8>
        /// True if the supervisor itself wrote the line: systemd, the kernel, `PM2`.
        var isItsOwn = false
    }

    private var hasColumn = false
    private var hasSyslog = false
    private var constant: [UInt8] = []

    /// Learns the prefix from the first lines, which must be free of colours.
    init(learning sample: [[UInt8]]) {
        let lines = sample.filter { !$0.isEmpty }
        guard lines.count >= 3 else { return }
        let most = (lines.count * 3 + 4) / 5
        hasColumn = lines.count { Self.column($0[...]) != nil } >= most
        hasSyslog = lines.count { Self.syslog($0[...]) != nil } >= most
        guard lines.count >= 6 else { return }
        constant = Self.shared(lines.map { Array(strip($0[...]).text) })
    }

    /// The line as the program wrote it.
    func strip(_ line: ArraySlice<UInt8>) -> Line {
        var result = Line(text: line)
        for _ in 0..<4 {
            if let rest = Self.kubernetes(result.text) ?? Self.docker(result.text) ?? Self.tag(result.text) {
                result.text = rest
            } else if hasColumn, let found = Self.column(result.text) {
                result.text = found.rest
                result.isItsOwn = result.isItsOwn || found.name == Array("PM2".utf8)
            } else if hasSyslog, let found = Self.syslog(result.text) {
                result.text = found.rest
                result.isItsOwn = result.isItsOwn || Self.isSystem(found.name)
            } else {
                break
            }
        }
        if !constant.isEmpty, result.text.starts(with: constant) { result.text = result.text.dropFirst(constant.count) }
        result.isItsOwn = result.isItsOwn || Self.panels.contains { result.text.starts(with: $0.utf8) }
        return result
    }

    /// How hosting panels begin their own lines.
    private static let panels = ["[Pterodactyl Daemon]:", "container@pterodactyl~", "container@pelican~"]

    /// `2026-11-20T21:03:09.123456789Z stderr F `, as container runtimes write for Kubernetes.
    private static func kubernetes(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let rest = nanoStamp(line, digits: 1) else { return nil }
        for word in [" stdout ", " stderr "] where rest.starts(with: word.utf8) {
            let tail = rest.dropFirst(word.utf8.count)
            guard let flag = tail.first, flag == UInt8(ascii: "F") || flag == UInt8(ascii: "P"),
                tail.dropFirst().first == 0x20
            else { return nil }
            return tail.dropFirst(2)
        }
        return nil
    }

    /// `docker logs -t`: a stamp with nanoseconds and a space.
    private static func docker(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let rest = nanoStamp(line, digits: 9), rest.first == 0x20 else { return nil }
        return rest.dropFirst()
    }

    /// What follows an RFC 3339 stamp with at least `digits` digits of a second's fraction.
    private static func nanoStamp(_ line: ArraySlice<UInt8>, digits: Int) -> ArraySlice<UInt8>? {
        guard line.count > 21, isDigit(line[line.startIndex]), line[line.startIndex + 4] == UInt8(ascii: "-"),
            line[line.startIndex + 10] == UInt8(ascii: "T"), line[line.startIndex + 19] == UInt8(ascii: ".")
        else { return nil }
        let fraction = line.dropFirst(20).prefix { isDigit($0) }
        guard fraction.count >= digits else { return nil }
        var rest = line[fraction.endIndex...]
        if rest.first == UInt8(ascii: "Z") { return rest.dropFirst() }
        guard rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-"), rest.count > 6 else { return nil }
        rest = rest.dropFirst(6)
        return rest
    }

    /// `[pod/name/container] ` of kubectl, `[stderr] `, `stderr | `, and the columns of the Tanuki wrapper.
    private static func tag(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        for word in [
            "[stdout] ", "[stderr] ", "(stdout) ", "(stderr) ", "stdout | ", "stderr | ", "stdout: ", "stderr: ",
        ]
        where line.starts(with: word.utf8) {
            return line.dropFirst(word.utf8.count)
        }
        if line.starts(with: "[pod/".utf8), let close = line.prefix(200).firstIndex(of: UInt8(ascii: "]")) {
            return line[(close + 1)...].drop { $0 == 0x20 }
        }
        for word in ["INFO   | jvm ", "ERROR  | jvm ", "STATUS | wrapper "] where line.starts(with: word.utf8) {
            // level, program, time, then the line.
            var rest = line
            for _ in 0..<3 {
                guard let bar = rest.prefix(40).firstIndex(of: UInt8(ascii: "|")) else { return nil }
                rest = rest[(bar + 1)...]
            }
            return rest.first == 0x20 ? rest.dropFirst() : rest
        }
        return nil
    }

    /// `mc-1  | ` of compose, `0|arena  | ` of pm2, with or without a time before it.
    private static func column(_ whole: ArraySlice<UInt8>) -> (name: [UInt8], rest: ArraySlice<UInt8>)? {
        var line = whole
        if line.count > 22, isDigit(line[line.startIndex]), line[line.startIndex + 4] == UInt8(ascii: "-"),
            line[line.startIndex + 13] == UInt8(ascii: ":"),
            let space = line.dropFirst(11).prefix(24).firstIndex(of: 0x20)
        {
            line = line[(space + 1)...]
        }
        let name = line.prefix(64).prefix { byte in
            isDigit(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || "|._-@:".utf8.contains(byte)
        }
        guard !name.isEmpty else { return nil }
        let rest = line[name.endIndex...].drop { $0 == 0x20 }
        guard rest.startIndex > name.endIndex, rest.first == UInt8(ascii: "|") else { return nil }
        let text = rest.dropFirst()
        guard text.isEmpty || text.first == 0x20 else { return nil }
        return (Array(name), text.dropFirst())
    }

    /// `Nov 20 21:03:09 host prog[4242]: ` and `2026-11-20T21:03:09+0000 host prog[4242]: `.
    private static func syslog(_ line: ArraySlice<UInt8>) -> (name: [UInt8], rest: ArraySlice<UInt8>)? {
        let head = line.prefix(200)
        guard head.count > 16 else { return nil }
        var at = head.startIndex
        // `Sat 2026-11-21 13:03:33 UTC host prog[1]: ` of journalctl's short-full.
        if head[at + 3] == 0x20, isDigit(head[at + 4]), head.count > 32, head[at + 8] == UInt8(ascii: "-"),
            let zone = head[(at + 15)...].firstIndex(of: 0x20)
        {
            at = zone + 1
            return tagged(line, head, from: at)
        }
        if CivilDate.month(named: head[at], head[at + 1], head[at + 2]) != nil, head[at + 3] == 0x20 {
            at += 7
            guard at + 9 < head.endIndex, head[at - 1] == 0x20, head[at + 2] == UInt8(ascii: ":") else { return nil }
        } else if isDigit(head[at]), head[at + 4] == UInt8(ascii: "-"), head[at + 10] == UInt8(ascii: "T") {
            at += 11
        } else {
            return nil
        }
        guard let space = head[at...].firstIndex(of: 0x20) else { return nil }
        return tagged(line, head, from: space + 1)
    }

    /// Reads up to two words, the last one a tag that ends in a colon and may hold the process id in `[…]`.
    private static func tagged(
        _ line: ArraySlice<UInt8>, _ head: ArraySlice<UInt8>, from start: Int
    ) -> (name: [UInt8], rest: ArraySlice<UInt8>)? {
        var at = start
        guard at < head.endIndex else { return nil }
        for _ in 0..<2 {
            let word = head[at...].prefix { $0 != 0x20 }
            guard !word.isEmpty else { return nil }
            if word.last == UInt8(ascii: ":"), word.count > 1 {
                let name = Array(word.prefix { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: ":") })
                // `2026-11-20T21:03:09.137Z info: ` is the program's own.
                guard LineHead.level(String(decoding: name, as: UTF8.self)) == nil else { return nil }
                let rest = line[word.endIndex...]
                return (name, rest.first == 0x20 ? rest.dropFirst() : rest)
            }
            guard word.endIndex < head.endIndex else { return nil }
            at = word.endIndex + 1
        }
        return nil
    }

    private static func isSystem(_ name: [UInt8]) -> Bool {
        let names = ["systemd", "kernel", "supervisord", "dockerd", "containerd", "kubelet", "runit", "init"]
        return names.contains { name.elementsEqual($0.utf8) } || name.starts(with: "systemd-".utf8)
    }

    /// The longest text up to a space that begins four of five lines and is not part of a logger's head.
    private static func shared(_ lines: [[UInt8]]) -> [UInt8] {
        var best: [UInt8] = []
        for seed in lines.prefix(3) {
            for end in seed.indices.prefix(80) where end > 1 && seed[end] == 0x20 && end + 1 < seed.count {
                let candidate = Array(seed[...end])
                guard candidate.count > best.count,
                    lines.count(where: { $0.starts(with: candidate) }) * 5 >= lines.count * 4,
                    isName(candidate)
                else { continue }
                best = candidate
            }
        }
        return best
    }

    /// True for a name, perhaps in brackets, as supervisors write it. Times and levels belong to the program's logger,
    /// a plain word to its text.
    private static func isName(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        let head = LineHead(text + "x")
        if head.isStamped { return false }
        // Half of a stamp in brackets looks like a name with a dash.
        guard text.filter({ "[(".contains($0) }).count == text.filter({ "])".contains($0) }).count else { return false }
        let words = text.split(separator: " ").map(String.init)
        guard words.count <= 3, let last = words.last else { return false }
        // Lines of one moment share their timestamp.
        if words.contains(where: { LineHead($0.drop { "[(".contains($0) } + " x").isStamped }) { return false }
        if last.hasSuffix(":") || last.hasSuffix("]") || last.hasSuffix("|") || last.hasSuffix(">")
            || last.hasSuffix("›")
        {
            // A level alone in brackets is the program's own.
            let bare = last.filter { $0.isLetter || $0.isNumber }
            return words.count > 1 || LineHead.level(bare) == nil
        }
        return last.contains("-") && LineHead.level(last) == nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}
