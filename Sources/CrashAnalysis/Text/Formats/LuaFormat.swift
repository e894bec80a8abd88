import Model

extension TextReportFormat {
    static let lua = TextReportFormat(
        name: "lua",
        anchors: [
            Anchor(50, "stack traceback:")
        ],
        voice: .anyone, start: .afterPrefix, ending: .survived, lead: .none, runtime: .lua, parse: TextLua.parse)
}

/// Lua: scripted game servers print such stacks and live on; the stand-alone interpreter exits.
enum TextLua {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].trimmed == "stack traceback:" else { return nil }
        var record = CrashRecord(kind: "lua")
        record.exception = "error"
        record.message = lines.at > 0 ? lines[lines.at - 1].trimmed : nil
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit {
            if let frame = frame(lines[at], record.frames.count) {
                record.frames.append(frame)
            } else if !lines[at].trimmed.hasPrefix(anyOf: ["(...tail call", "...\t(skipping", "..."]) {
                break
            }
            at += 1
        }
        guard !record.frames.isEmpty else { return nil }
        return TextReport(
            record: record, fate: isInterpreters(lines, record) ? .died : .survived, first: max(0, lines.at - 1),
            end: at)
    }

    /// `lua: `, `/usr/bin/lua5.4: `, `luajit-2.1: `, `luvit: `.
    private static func isInterpreter(_ line: String) -> Bool {
        guard let name = line.before(": "), name.utf8.count <= 80, !name.contains(" ") else { return false }
        let bare = name.hasSuffix(".exe") ? String(name.dropLast(4)) : name
        let program = SystemModules.baseName(bare)
        guard let base = ["luajit", "luvit", "lua"].first(where: { program.hasPrefix($0) }) else { return false }
        return program.dropFirst(base.count).allSatisfy { $0.isNumber || $0 == "." || $0 == "-" }
    }

    /// True for `lua: main.lua:12: …` with a stack that ends in the interpreter's own call.
    private static func isInterpreters(_ lines: ReportLines, _ record: CrashRecord) -> Bool {
        guard lines.at > 0, lines.voice.isRaw else { return false }
        return isInterpreter(lines.window.text(lines.at - 1)) && record.frames.last?.module == native
    }

    /// `\tfile.lua:12: in function 'name'` or `\t[C]: in function 'error'`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        guard line.first == "\t" || line.hasPrefix("  ") else { return nil }
        // LuaJIT's `[C]: at 0x55d0c1a2b3c4`.
        guard let mark = line.find(": in ") ?? line.find("]: at 0x"),
            line.trimmed.hasPrefix("[C]:") || line[mark].hasPrefix(": in")
        else { return nil }
        let words = line[mark.upperBound...]
        // `function <lobby.lua:12>` is a place, not a name.
        let said = words.between("'", "'") ?? (words.hasPrefix("function <") ? nil : words.trimmed)
        let name = said == "?" || line[mark].hasPrefix("]") ? nil : said
        var frame = CrashFrame.printed(index, function: name)
        if line.trimmed.hasPrefix("[C]:") {
            frame.module = native
        } else {
            let place = line[..<mark.lowerBound].trimmed.fileAndLine
            frame.file = place.file
            frame.line = place.line
        }
        return frame
    }

    /// Printed instead of a file for functions that are not written in Lua.
    private static let native = "[C]"
}

extension RuntimeNames {
    /// The interpreters of Lua: their functions that raise.
    static let lua = RuntimeNames(
        machinery: [
            "luaD_throw*", "luaG_runerror*", "luaG_errormsg*", "luaG_typeerror*", "luaL_error*", "lua_error*",
            "luaL_argerror*", "lj_err_*", "error",
        ])
}
