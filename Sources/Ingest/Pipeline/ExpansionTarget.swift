import Clocks
import CrashAnalysis
import LogTime
import Pack
import Unpack

/// Receives the content of one compressed or UTF-16 member, classifies it by its first bytes, and stores or drops it.
final class ExpansionTarget {
    private enum Route {
        /// Too little of the content is known.
        case undecided
        case text(TextPipe)
        case dump(ScratchFile)
        case nowhere
    }

    private let writer: PackWriter
    private let redactor: Redactor?
    private let scratch: ScratchFile?
    private let header: MemberHeader
    private let form: ExpansionPass.Form
    private let room: UInt64
    private var route = Route.undecided
    private var head: [UInt8] = []

    /// Bytes of text stored.
    private(set) var textBytes: UInt64 = 0
    /// Whether the content could not be written to the scratch file completely.
    private(set) var scratchFailed = false
    /// The new member, if the crash readers need it as a whole.
    private(set) var dump: MemberWriter.Dump?

    init(
        writer: PackWriter, redactor: Redactor?, scratch: ScratchFile?, header: MemberHeader,
        form: ExpansionPass.Form, room: UInt64
    ) {
        self.writer = writer
        self.redactor = redactor
        self.scratch = scratch
        self.header = header
        self.form = form
        self.room = room
    }

    /// Reads all of `source`, or as much as limits and time allow. `deadline` is in milliseconds of the monotonic
    /// clock, `longestDump` in bytes.
    func read(_ source: any ByteSource, until deadline: Int64, longestDump: UInt64) throws(PackError) -> ExpansionEnd {
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        var offset: UInt64 = 0
        func next() throws(PackError) -> Int {
            do {
                return try buffer.withUnsafeMutableBytes { try source.read(at: offset, into: $0) }
            } catch {
                throw error as? PackError ?? PackError(.io, "\(error)")
            }
        }
        guard case .compressed(let format) = form else {
            while textBytes < room {
                let count = try next()
                guard count > 0 else { return .complete }
                offset += UInt64(count)
                try take(bytes: buffer, count)
            }
            return offset < source.size ? .limited("bytes") : .complete
        }
        // Until the kind of content is known, the larger limit applies; restrain() applies the limits of text.
        let expander = StreamExpander(format, limits: ExpansionLimits(bytes: longestDump, ratio: .max))
        while !expander.isOver {
            let count = try next()
            guard count > 0 else { break }
            offset += UInt64(count)
            let consumed = offset
            try push(buffer, count, into: expander) { (content) throws(PackError) in
                if MonotonicClock.milliseconds() > deadline { expander.stop("time") }
                try self.take(content)
                self.restrain(expander, consumed: consumed)
            }
        }
        return expander.finish()
    }

    private func push(
        _ buffer: [UInt8], _ count: Int, into expander: StreamExpander,
        _ take: (UnsafeRawBufferPointer) throws(PackError) -> Void
    ) throws(PackError) {
        let outcome = buffer.withUnsafeBytes { bytes in
            Result { () throws(PackError) in
                try expander.push(UnsafeRawBufferPointer(rebasing: bytes[..<count]), take)
            }
        }
        try outcome.get()
    }

    /// Stops an expansion whose content is not needed or exceeds the limits of text.
    private func restrain(_ expander: StreamExpander, consumed: UInt64) {
        switch route {
        case .nowhere: expander.stop("content")
        case .dump: if scratchFailed { expander.stop("room") }
        case .text:
            let limits = ExpansionLimits(bytes: room)
            let (scaled, overflow) = consumed.multipliedReportingOverflow(by: limits.ratio)
            if textBytes >= limits.bytes {
                expander.stop("bytes")
            } else if textBytes > max(limits.freeBytes, overflow ? .max : scaled) {
                expander.stop("ratio")
            }
        case .undecided: break
        }
    }

    private func take(bytes: [UInt8], _ count: Int) throws(PackError) {
        let outcome = bytes.withUnsafeBytes { all in
            Result { () throws(PackError) in try take(UnsafeRawBufferPointer(rebasing: all[..<count])) }
        }
        try outcome.get()
    }

    /// Processes the next bytes of the content.
    private func take(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        if case .undecided = route {
            head.append(contentsOf: bytes)
            if head.count >= MemberClassifier.headSize { try decide() }
            return
        }
        try pass(bytes)
    }

    private func pass(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        switch route {
        case .text(var pipe):
            textBytes &+= UInt64(bytes.count)
            // Two references to the pipe would copy its buffer.
            route = .nowhere
            try pipe.append(bytes)
            route = .text(pipe)
        case .dump(let scratch): if !scratchFailed { scratchFailed = !scratch.append(bytes) }
        case .undecided, .nowhere: break
        }
    }

    /// Classifies the content by its first bytes and passes these on.
    private func decide() throws(PackError) {
        let held = head
        head = []
        var path = header.path
        if case .compressed(let format) = form { path = DerivedName.content(of: path, format) }
        let outcome = held.withUnsafeBytes { bytes in
            Result { () throws(PackError) in
                try choose(bytes, path)
                try pass(bytes)
            }
        }
        try outcome.get()
    }

    private func choose(_ bytes: UnsafeRawBufferPointer, _ path: [UInt8]) throws(PackError) {
        let judged = MemberClassifier(head: bytes, path: path)
        if let order = judged.order {
            var transcoder = UTF16Transcoder(order)
            var text: [UInt8] = []
            transcoder.push(bytes) { text += Array($0) }
            let again = text.withUnsafeBytes { MemberClassifier(head: $0, path: header.path) }
            try begin(again, path: path, order: order)
        } else if judged.kind.isText, judged.kind == .log || !bytes.isEmpty {
            try begin(judged, path: path, order: nil)
        } else if judged.content.isCrashDump, let scratch, case .compressed = form {
            scratch.clear()
            route = .dump(scratch)
        } else {
            route = .nowhere
        }
    }

    private func begin(_ judged: MemberClassifier, path: [UInt8], order: UTF16Order?) throws(PackError) {
        var derived = header
        derived.path = if case .utf16 = form { DerivedName.text(of: header.path) } else { path }
        derived.kind = judged.kind.isText ? judged.kind : .text
        derived.timeFormat = judged.timeFormat.rawValue
        derived.counterStart = judged.counterStart
        if judged.content.isCrashDump {
            dump = MemberWriter.Dump(member: writer.memberCount, content: judged.content)
        }
        try writer.beginMember(derived)
        isTranscoded = order != nil
        route = .text(TextPipe(writer: writer, order: order, redactor: redactor))
    }

    private var isTranscoded = false

    /// Ends the new member, if any, and returns the kind of the content.
    func finish(flags: MemberFlags) throws(PackError) -> ExpansionPass.Content {
        if case .undecided = route {
            let isBroken = !flags.isDisjoint(with: [.truncated, .corrupt, .limited])
            // A log without readable content still gets an empty member, so that it is visible.
            if head.isEmpty, !isBroken { return .other }
            try decide()
        }
        switch route {
        case .text(var pipe):
            route = .nowhere
            try pipe.finish()
            var all = flags
            if case .compressed = form { all.insert(.decompressed) }
            if isTranscoded { all.insert(.transcoded) }
            if redactor != nil { all.insert(.redacted) }
            try writer.endMember(flags: all)
            return .text
        case .dump: return .dump
        case .undecided, .nowhere: return .other
        }
    }
}
