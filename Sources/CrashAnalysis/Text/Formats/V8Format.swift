import Model

/// V8 and node that end themselves: a full heap, a failed check.
enum TextV8 {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        var record = CrashRecord(kind: "node")
        record.exception = "FATAL ERROR"
        record.signal = "SIGABRT"
        var first = lines.at
        if text.hasPrefix("FATAL ERROR: ") {
            record.message = text.after("FATAL ERROR: ")?.trimmed
            first = collections(lines)
        } else if text.hasPrefix("# Fatal error in ") {
            let told = lines[lines.at + 1].drop { $0 == "#" }.trimmed
            guard lines[lines.at + 1].hasPrefix("#"), !told.isEmpty else { return nil }
            record.message = told
            record.signal = nil
        } else if text.hasPrefix("----- Native stack trace -----") {
            guard let told = assertion(lines) else { return nil }
            record.message = told.message
            record.exception = "assertion"
            first = told.first
        } else {
            return nil
        }
        var at = lines.at + 1
        var frames: [CrashFrame] = []
        while frames.count < 64,
            let next = lines.next(from: at, gap: frames.isEmpty ? 12 : 2, { frame($0, frames.count) })
        {
            frames.append(next.found)
            at = next.after
        }
        record.frames = frames
        let message = record.message ?? ""
        guard
            !frames.isEmpty || message.contains("heap") || message.contains("v8::") || message.contains("memory")
                || text.hasPrefix("# Fatal error in ")
        else { return nil }
        return TextReport(record: record, fate: .died, first: first, end: at)
    }

    /// Index of `<--- Last few GCs --->`, which precedes a full heap.
    private static func collections(_ lines: ReportLines) -> Int {
        for at in stride(from: lines.at - 1, through: max(0, lines.at - 40), by: -1)
        where lines[at].hasPrefix("<--- Last few GCs --->") {
            return at
        }
        return lines.at
    }

    /// `#  Assertion failed: (env) != nullptr` above node's native stack.
    private static func assertion(_ lines: ReportLines) -> (message: String, first: Int)? {
        for at in stride(from: lines.at - 1, through: max(0, lines.at - 6), by: -1) {
            let text = lines[at].trimmed
            guard text.hasPrefix("#"), let words = text.after("Assertion failed: ") else { continue }
            return (words, at > 0 && lines[at - 1].trimmed.hasPrefix("#") ? at - 1 : at)
        }
        return nil
    }

    /// ` 1: 0xb090e0 node::Abort() [node]`, ` 2: 0x11e7fec [node]`, ` 3: node::Abort() [node]`, and Windows' digits.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        let text = line.trimmed
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.count <= 3, text.dropFirst(digits.count).hasPrefix(": ") else { return nil }
        var rest = text.dropFirst(digits.count + 2).trimmed
        var frame = CrashFrame.printed(index, function: nil)
        let number = rest.prefix { !$0.isWhitespace }
        let bare = number.hasPrefix("0x") ? number.dropFirst(2) : number
        if bare.count >= 4, bare.allSatisfy(\.isHexDigit), let address = UInt64(bare, radix: 16) {
            frame.address = Address(address)
            rest = rest.dropFirst(number.count).trimmed
        }
        if rest.hasSuffix("]"), let open = rest.findLast("[") {
            let module = rest[open.upperBound...].dropLast()
            frame.module = module.split(whereSeparator: { "/\\".contains($0) }).last.map(String.init)
            rest = rest[..<open.lowerBound].trimmed
        } else if frame.address == nil {
            return nil
        }
        if let plus = rest.findLast("+"), rest[plus.upperBound...].allSatisfy(\.isNumber), !rest.hasSuffix("+") {
            rest = String(rest[..<plus.lowerBound])
        }
        frame.function = rest.isEmpty ? nil : rest
        return frame
    }
}

extension RuntimeNames {
    /// V8 and the native part of node.
    static let v8 = RuntimeNames(
        machinery: [
            "node::Abort*", "node::Assert*", "node::OnFatalError*", "node::OOMErrorHandler*", "node::DumpBacktrace*",
            "node::DumpNativeBacktrace*", "node::DumpJavaScriptBacktrace*", "node::TrapWebAssemblyOrContinue*",
            "node::errors::*", "node::TriggerUncaughtException*", "node::PrintUncaughtException*",
            "node::PrintException*", "V8_Fatal*", "V8_Dcheck*", "v8::base::OS::Abort*", "v8::base::FatalOOM*",
            "v8::base::debug::*", "v8::Utils::ReportOOMFailure*", "v8::Utils::ReportApiFailure*",
            "v8::internal::V8::FatalProcessOutOfMemory*", "v8::internal::Heap::FatalProcessOutOfMemory*",
            "v8::internal::Runtime_Abort*", "v8::internal::Isolate::PushStackTraceAndDie*",
            "v8::internal::Isolate::Throw*", "Runtime_Throw*", "node::FatalError*", "v8::internal::Heap::*",
            "v8::internal::FatalProcessOutOfMemory*", "node::ReportOOM*", "v8::internal::heap::*",
        ])
}
