import Glibc

extension Finding {
    /// Checks for the program that one command calls: gdb.
    ///
    /// - Parameter path: the folders of programs with colons between them, as in `PATH`; nil for the usual ones.
    public static func tools(path: String?) -> Finding {
        let folders = (path ?? "/usr/bin:/bin").split(separator: ":")
        let hasGDB = folders.contains { access("\($0)/gdb", X_OK) == 0 }
        return hasGDB ? .ok("tools", "gdb") : .note("tools", "gdb is not installed (used only by crash --debug)")
    }
}
