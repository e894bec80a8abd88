import Model
import Text

/// The scripts of a bundle that open a core dump in a debugger, with nothing but what is in the bundle.
///
/// Paths in them are relative to the script and quoted; a name in an archive cannot become a command.
struct DebuggerScripts {
    /// The session's id.
    let session: String
    /// The core, relative to the session's folder.
    let core: String
    /// The program, relative to the session's folder; nil if the store does not have it.
    let program: String?
    /// The folder that the program's sources were in when it was built, if the stack tells.
    let sources: String?

    private static let symbols = "../../" + BundleFormat.symbols

    /// The script for gdb.
    var gdb: [UInt8] {
        script(
            "gdb", note: "No script, library or symbol outside of this bundle is read.",
            hint: sources.map { "./gdb.sh -ex \(Self.quoted("set substitute-path \($0) DIR"))" },
            arguments: [
                "-nx", "-q", "-iex", "set auto-load off", "-iex", "set debuginfod enabled off", "-iex",
                "set sysroot ./\(BundleFormat.libraries)", "-iex", "set debug-file-directory \(Self.symbols)", "-iex",
                "set solib-search-path ./\(BundleFormat.libraries)",
            ], last: ["--core=./" + core] + (program.map { [$0] } ?? []))
    }

    /// The script for lldb.
    var lldb: [UInt8] {
        script(
            "lldb", note: "lldb may also look for the libraries of the core on this machine.",
            hint: sources.map { "./lldb.sh -o \(Self.quoted("settings set target.source-map \"\($0)\" \"DIR\""))" },
            arguments: ["--no-lldbinit"] + Self.settings(libraries: "./" + BundleFormat.libraries, Self.symbols),
            last: ["--core", "./" + core] + (program.map { ["--file", $0] } ?? []))
    }

    /// The settings with which lldb finds symbols in a folder and looks for them nowhere else.
    static func settings(libraries: String, _ symbols: String) -> [String] {
        [
            "symbols.enable-external-lookup false", "target.load-script-from-symbol-file false",
            "target.load-cwd-lldbinit false", "target.exec-search-paths \"\(libraries)\"",
            "target.debug-file-search-paths \"\(symbols)\"",
        ].flatMap { ["-O", "settings set \($0)"] }
    }

    private func script(_ debugger: String, note: String, hint: String?, arguments: [String], last: [String]) -> [UInt8]
    {
        var lines = [
            "#!/bin/sh", "# Opens the core dump of session \(Escape.display(session)) in \(debugger).", "# \(note)",
        ]
        if program == nil { lines.append("# The program is not in this bundle: without it, most frames have no name.") }
        if let hint { lines.append("# If the sources are in DIR now: \(Escape.display(hint))") }
        lines.append("cd -- \"$(dirname -- \"$0\")\" || exit 1")
        let words = [debugger] + arguments.map { Self.quoted($0) } + ["\"$@\""] + last.map { Self.quoted($0) }
        lines.append("exec " + words.joined(separator: " "))
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// A word for a POSIX shell. Nothing has a meaning between single quotes, except for the quote that ends them.
    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// The longest folder that all absolute source paths of a stack have in common; nil if there are none.
    static func sources(of record: CrashRecord) -> String? {
        var common: [Substring]?
        for case let file? in record.frames.map(\.file) where file.hasPrefix("/") && !file.hasPrefix("/usr/") {
            let parts = file.split(separator: "/").dropLast()
            if let known = common {
                common = zip(known, parts).prefix { $0 == $1 }.map(\.0)
            } else {
                common = Array(parts)
            }
        }
        // Quotes and the like would end the value of a setting; such a folder is rare enough.
        guard let common, !common.isEmpty else { return nil }
        let path = "/" + common.joined(separator: "/")
        let isPlain = path.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-_./+@,=~".utf8.contains(byte)
            }
        }
        return isPlain ? path : nil
    }
}
