import Bytes
import JSON
import Model
import Text

/// Stacks and modules of a crash in Sentry's form
/// (https://develop.sentry.dev/sdk/foundations/transport/event-payloads/stacktrace/, …/threads/, …/debugmeta/).
struct SentryStack {
    /// The stack of the crashed thread; nil without frames.
    let crashed: JSONLine?
    /// The threads, the crashed one first.
    let threads: [JSONLine]
    /// The modules.
    let images: [JSONLine]

    /// The most bytes of a name: of a function, a file or a module.
    private static let mostName = 512
    /// The most registers of a thread.
    private static let mostRegisters = 64

    init(_ record: CrashRecord, _ detail: SentryEvent.Detail) {
        let names = min(Self.mostName, detail.text)
        let frames = Self.chosen(record.frames, detail.frames)
        let thread = record.threads.first { $0.thread == record.thread }
        crashed = frames.isEmpty ? nil : Self.stack(frames, thread?.registers ?? [:], names)
        var lines: [JSONLine] = []
        if let id = record.thread {
            var line = JSONLine()
            line.add("id", id)
            line.add("name", record.threadName.map { TextLimit.cut($0, min(names, 100)) })
            line.add("crashed", record.isCrash)
            line.add("current", true)
            lines.append(line)
        }
        var shown = frames
        for other in record.threads where other.thread != record.thread {
            guard lines.count <= detail.threads else { break }
            let frames = Self.chosen(other.frames, detail.threads)
            shown += frames
            var line = JSONLine()
            line.add("id", other.thread)
            line.add("name", other.name.map { TextLimit.cut($0, min(names, 100)) })
            if !frames.isEmpty { line.add("stacktrace", Self.stack(frames, [:], names)) }
            lines.append(line)
        }
        threads = lines
        images = Self.images(record, shown, detail.modules, names)
    }

    /// The innermost frames and, of a stack that is too deep, some of the outermost: the middle of a recursion says least.
    static func chosen(_ frames: [CrashFrame], _ most: Int) -> [CrashFrame] {
        guard frames.count > most else { return frames }
        let outer = most / 4
        return Array(frames.prefix(most - outer) + frames.suffix(outer))
    }

    private static func stack(_ frames: [CrashFrame], _ registers: [String: Address], _ names: Int) -> JSONLine {
        var line = JSONLine()
        // Sentry lists the outermost frame first.
        line.add("frames", frames.reversed().map { frame($0, names) })
        // The addresses of callers are those of their calls already.
        line.add("instruction_addr_adjustment", "none")
        if !registers.isEmpty {
            line.add("registers") { object in
                for (name, value) in registers.sorted(by: { $0.key < $1.key }).prefix(mostRegisters) {
                    object.add(TextLimit.cut(name, 32), value.description)
                }
            }
        }
        return line
    }

    private static func frame(_ frame: CrashFrame, _ names: Int) -> JSONLine {
        var line = JSONLine()
        func cut(_ text: String?) -> String? { text.map { TextLimit.cut($0, names) } }
        line.add("function", cut(frame.function))
        if let file = frame.file {
            line.add("abs_path", cut(file))
            line.add("filename", cut(String(file.split { $0 == "/" || $0 == "\\" }.last ?? "")))
        }
        line.add("lineno", frame.line)
        line.add("package", cut(frame.module))
        line.add("instruction_addr", frame.address?.description)
        if let address = frame.address, let offset = frame.offset, address >= offset {
            line.add("image_addr", Address(address.value - offset.value).description)
        }
        line.add("trust", trust(frame.trust))
        return line
    }

    /// Sentry's word.
    private static func trust(_ trust: FrameTrust) -> String {
        switch trust {
        case .context: "context"
        case .cfi: "cfi"
        case .framePointer: "fp"
        case .scan, .call: "scan"
        case .inline, .text: "prewalked"
        }
    }

    /// The modules that the shown frames are in, then the others, at most `most`.
    private static func images(
        _ record: CrashRecord, _ frames: [CrashFrame], _ most: Int, _ names: Int
    ) -> [JSONLine] {
        let used = ByteSet(frames.compactMap(\.module))
        let modules =
            record.modules.filter { used.contains($0.name) } + record.modules.filter { !used.contains($0.name) }
        return modules.prefix(most).compactMap { image($0, arch: record.arch, names) }
    }

    /// A module; nil for one without an id, for which Sentry can find no symbols.
    private static func image(_ module: CrashModule, arch: String?, _ names: Int) -> JSONLine? {
        let isELF = module.buildID != nil
        guard let debugID = module.debugID.flatMap(debugID(breakpad:)) ?? module.buildID.flatMap(debugID(build:))
        else { return nil }
        var line = JSONLine()
        line.add("type", isELF ? "elf" : "pe")
        line.add("debug_id", debugID)
        line.add("code_id", module.buildID.map { TextLimit.cut($0, 128) })
        line.add("code_file", TextLimit.cut(module.path ?? module.name, names))
        line.add("debug_file", module.debugFile.map { TextLimit.cut($0, names) })
        line.add("image_addr", module.base.description)
        line.add("image_size", module.size)
        line.add("arch", arch.flatMap { $0 == "amd64" ? "x86_64" : TextLimit.tag($0) })
        return line
    }

    /// The debug id of a GNU build id: its first 16 bytes as a GUID, whose first three fields are little-endian
    /// (https://docs.sentry.io/platforms/native/data-management/debug-files/identifiers/).
    static func debugID(build: String) -> String? {
        guard let all = Hex.bytes(build), !all.isEmpty else { return nil }
        let id = all.prefix(16) + [UInt8](repeating: 0, count: max(0, 16 - all.count))
        let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
        return guid(order.map { id[$0] })
    }

    /// A Breakpad id, GUID and age without dashes, as a debug id; the age 0 is left out.
    static func debugID(breakpad: String) -> String? {
        let digits = Array(breakpad.utf8)
        guard (33...40).contains(digits.count), let id = Hex.bytes(String(breakpad.prefix(32))),
            let age = UInt32(breakpad.dropFirst(32), radix: 16)
        else { return nil }
        return guid(id) + (age == 0 ? "" : "-" + String(age, radix: 16))
    }

    private static func guid(_ bytes: [UInt8]) -> String {
        let text = Hex.text(bytes)
        var out = ""
        for (index, digit) in text.enumerated() {
            if [8, 12, 16, 20].contains(index) { out.append("-") }
            out.append(digit)
        }
        return out
    }
}
