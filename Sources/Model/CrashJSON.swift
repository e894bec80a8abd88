import Bytes

extension CrashRecord {
    /// Returns the record as one JSON object in UTF-8 without a newline, with the same fields as `Codable`.
    public func json() -> [UInt8] {
        var out = JSONText()
        out.object { out in
            writeIdentity(&out)
            writeProcess(&out)
            writeStacks(&out)
        }
        return out.bytes
    }

    private func writeIdentity(_ out: inout JSONText) {
        out.field("crash", crash)
        out.field("session", session)
        out.field("image", image)
        out.field("tag", tag)
        out.field("location", location)
        out.field("time", time)
        out.field("time_source", timeSource)
        out.field("kind", kind)
        out.field("detector", detector)
        out.field("signature", signature)
        out.field("signature_quality", signatureQuality.rawValue)
        out.field("signature_version", signatureVersion)
        out.field("stack_hash", stackHash)
    }

    private func writeProcess(_ out: inout JSONText) {
        out.field("signal", signal)
        out.field("exception", exception)
        out.field("address", address?.description)
        out.field("access", access)
        out.field("pid", pid)
        out.field("executable", executable)
        out.field("command_line", commandLine)
        out.field("os", os)
        out.field("arch", arch)
        out.field("thread", thread)
        out.field("thread_name", threadName)
        out.field("thread_count", threadCount)
        out.field("message", message)
        if let cause {
            out.key("cause")
            out.object { out in
                out.field("detector", cause.detector)
                out.field("exception", cause.exception)
                out.field("message", cause.message)
            }
        }
        out.field("member", member)
        out.field("member_offset", memberOffset.map { Int(clamping: $0) })
    }

    private func writeStacks(_ out: inout JSONText) {
        out.array("frames", frames) { $1.write(&$0) }
        out.array("threads", threads) { out, thread in
            out.object { out in
                out.field("thread", thread.thread)
                out.field("name", thread.name)
                out.array("frames", thread.frames) { $1.write(&$0) }
                out.key("registers")
                out.object { out in
                    for (name, value) in thread.registers.sorted(by: { $0.key < $1.key }) {
                        out.field(name, value.description)
                    }
                }
            }
        }
        out.array("modules", modules) { $1.write(&$0) }
        out.array("notes", notes) { $0.string($1) }
        out.array("also_in", alsoIn) { $0.string($1) }
    }
}

extension CrashFrame {
    fileprivate func write(_ out: inout JSONText) {
        out.object { out in
            out.field("index", index)
            out.field("address", address?.description)
            out.field("module", module)
            out.field("offset", offset?.description)
            out.field("build_id", buildID)
            out.field("function", function)
            out.field("file", file)
            out.field("line", line)
            if let inlined { out.field("inlined", inlined) }
            out.field("trust", trust.rawValue)
        }
    }
}

extension CrashModule {
    fileprivate func write(_ out: inout JSONText) {
        out.object { out in
            out.field("name", name)
            out.field("path", path)
            out.field("base", base.description)
            out.key("size")
            out.bytes += Array(String(size).utf8)
            out.field("build_id", buildID)
            out.field("debug_id", debugID)
            out.field("debug_file", debugFile)
            out.field("first_page", firstPage)
            out.field("version", version)
            out.field("symbols", symbols.rawValue)
        }
    }
}

/// Builds JSON text and places the commas.
struct JSONText {
    var bytes: [UInt8] = []
    private var fresh = true

    mutating func object(_ body: (inout JSONText) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        fresh = true
        body(&self)
        bytes.append(UInt8(ascii: "}"))
        fresh = false
    }

    mutating func array<Item>(_ name: String, _ items: [Item], _ body: (inout JSONText, Item) -> Void) {
        key(name)
        bytes.append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            body(&self, item)
        }
        bytes.append(UInt8(ascii: "]"))
        fresh = false
    }

    mutating func key(_ name: String) {
        if !fresh { bytes.append(UInt8(ascii: ",")) }
        fresh = false
        string(name)
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func field(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        string(value)
    }

    mutating func field(_ name: String, _ value: Int?) {
        guard let value else { return }
        key(name)
        bytes += Array(String(value).utf8)
    }

    mutating func field(_ name: String, _ value: Bool) {
        key(name)
        bytes += Array((value ? "true" : "false").utf8)
    }

    mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for unit in text.utf8 {
            switch unit {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes += [UInt8(ascii: "\\"), unit]
            case 0..<0x20, 0x7f:
                bytes += Array("\\u00".utf8) + Array(Hex.text([unit]).utf8)
            default:
                bytes.append(unit)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
