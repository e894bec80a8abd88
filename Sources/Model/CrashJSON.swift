import JSON

extension CrashRecord {
    /// Returns the record as one JSON object in UTF-8 without a newline, with the same fields as `Codable`.
    public func json() -> [UInt8] {
        var out = JSONLine()
        writeIdentity(&out)
        writeProcess(&out)
        writeStacks(&out)
        return out.utf8
    }

    private func writeIdentity(_ out: inout JSONLine) {
        out.add("crash", crash)
        out.add("session", session)
        out.add("image", image)
        out.add("tag", tag)
        out.add("location", location)
        out.add("time", time)
        out.add("time_source", timeSource)
        out.add("kind", kind)
        out.add("detector", detector)
        out.add("signature", signature)
        out.add("signature_quality", signatureQuality.rawValue)
        out.add("signature_version", signatureVersion)
        out.add("stack_hash", stackHash)
    }

    private func writeProcess(_ out: inout JSONLine) {
        out.add("signal", signal)
        out.add("exception", exception)
        out.add("address", address?.description)
        out.add("access", access)
        out.add("pid", pid)
        out.add("executable", executable)
        out.add("command_line", commandLine)
        out.add("os", os)
        out.add("arch", arch)
        out.add("thread", thread)
        out.add("thread_name", threadName)
        out.add("thread_count", threadCount)
        out.add("message", message)
        if let cause {
            out.add("cause") { out in
                out.add("detector", cause.detector)
                out.add("exception", cause.exception)
                out.add("message", cause.message)
            }
        }
        out.add("member", member)
        out.add("member_offset", memberOffset.map { Int(clamping: $0) })
    }

    private func writeStacks(_ out: inout JSONLine) {
        out.add("frames", frames) { $1.write(&$0) }
        out.add("threads", threads) { out, thread in
            out.add("thread", thread.thread)
            out.add("name", thread.name)
            out.add("frames", thread.frames) { $1.write(&$0) }
            out.add("registers") { out in
                for (name, value) in thread.registers.sorted(by: { $0.key < $1.key }) {
                    out.add(name, value.description)
                }
            }
        }
        out.add("modules", modules) { $1.write(&$0) }
        out.add("notes", notes)
        out.add("also_in", alsoIn)
    }
}

extension CrashFrame {
    fileprivate func write(_ out: inout JSONLine) {
        out.add("index", index)
        out.add("address", address?.description)
        out.add("module", module)
        out.add("offset", offset?.description)
        out.add("build_id", buildID)
        out.add("function", function)
        out.add("file", file)
        out.add("line", line)
        out.add("inlined", inlined)
        out.add("trust", trust.rawValue)
    }
}

extension CrashModule {
    fileprivate func write(_ out: inout JSONLine) {
        out.add("name", name)
        out.add("path", path)
        out.add("base", base.description)
        out.add("size", size)
        out.add("build_id", buildID)
        out.add("debug_id", debugID)
        out.add("debug_file", debugFile)
        out.add("first_page", firstPage)
        out.add("version", version)
        out.add("symbols", symbols.rawValue)
    }
}
