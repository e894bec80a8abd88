/// What a runtime, engine or library adds to the lists by which frames are signed. The lists apply to every stack, those
/// of dumps included. Names are as signatures show them; a `*` matches any text (``NamePatterns``).
struct RuntimeNames: Sendable {
    /// Functions that only raise, unwind and report; see ``MachineryNames`` for native code.
    var machinery: [String] = []
    /// Functions that run because the program is about to end: all frames above the outermost of them only report.
    var raisers: [String] = []
    /// Functions that say too little alone: the signature names their caller, too.
    var libraries: [String] = []
    /// Functions that only start threads and programs: a signature ends above them.
    var starters: [String] = []
    /// The program's own entry: a signature ends there and may name it.
    var entries: [String] = []
    /// Functions on a dump's stack after the runtime panicked.
    var panics: [String] = []
    /// How the paths of an interpreter's own source files begin, without `*`; the callers of their functions are the
    /// program.
    var sources: [String] = []
    /// Modules of the runtime, by file name.
    var modules: [String] = []
}
