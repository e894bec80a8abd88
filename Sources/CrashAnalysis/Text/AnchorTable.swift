/// The families of reports; each has one parser.
enum ReportFamily: String {
    case go, rust, python, faulthandler, managed, javaFatal, sanitizer, runtimeError, stack, glibc, assertion
    case terminate, unreal, unity, godot, source, swift, v8, ruby, lua, shell, microdump
}

/// The literals that may begin a report. Each is rare in the logs of a healthy server.
enum AnchorTable {
    struct Entry {
        var literal: String
        var family: ReportFamily

        init(_ literal: String, _ family: ReportFamily) {
            self.literal = literal
            self.family = family
        }
    }

    /// New entries go to the end: the index is stored with blocks.
    static let entries: [Entry] = [
        Entry("panic: ", .go), Entry("fatal error: ", .go), Entry("goroutine ", .go),
        Entry("panicked at ", .rust), Entry("has overflowed its stack", .rust),
        Entry("Traceback (most recent call last)", .python), Entry("\", line ", .python),
        Entry("Fatal Python error: ", .faulthandler), Entry("(most recent call first)", .faulthandler),
        Entry("\tat ", .managed), Entry("   at ", .managed), Entry("Exception in thread \"", .managed),
        Entry("Unhandled exception. ", .managed), Entry("Unhandled Exception: ", .managed),
        Entry("A fatal error has been detected by the Java", .javaFatal),
        Entry("Sanitizer: ", .sanitizer), Entry("runtime error: ", .runtimeError),
        Entry("#0 0x", .stack), Entry("#0  0x", .stack), Entry("#0  ", .stack),
        Entry("*** stack smashing detected", .glibc), Entry("*** buffer overflow detected", .glibc),
        Entry("free(): ", .glibc), Entry("double free or corruption", .glibc), Entry("malloc(): ", .glibc),
        Entry("corrupted size vs. prev_size", .glibc), Entry("munmap_chunk(): ", .glibc),
        Entry("realloc(): ", .glibc), Entry("corrupted double-linked list", .glibc),
        Entry("malloc_consolidate(): ", .glibc), Entry("Assertion `", .assertion),
        Entry("Assertion failed: ", .assertion), Entry("Assertion Failed: ", .assertion),
        Entry("terminate called ", .terminate), Entry("libc++abi: terminating", .terminate),
        Entry("=== Critical error: ===", .unreal), Entry("Fatal error!", .unreal),
        Entry("CommonUnixCrashHandler", .unreal), Entry("Ensure condition failed: ", .unreal),
        Entry("Caught fatal signal - ", .unity), Entry("Native Crash Reporting", .unity),
        Entry("Program crashed with signal", .godot), Entry("CrashHandlerException", .godot),
        Entry("PreMinidumpCallback", .source), Entry("Program crashed: ", .swift), Entry("Fatal error: ", .swift),
        Entry("FATAL ERROR: ", .v8), Entry(":in `", .ruby), Entry(":in '", .ruby),
        Entry("[BUG] ", .ruby), Entry("stack traceback:", .lua), Entry("Segmentation fault", .shell),
        Entry("(core dumped)", .shell), Entry("-----BEGIN BREAKPAD MICRODUMP-----", .microdump),
        Entry("Assertion '", .assertion), Entry("Fatal glibc error: ", .glibc),
    ]

    static func family(_ id: UInt16) -> ReportFamily? {
        Int(id) < entries.count ? entries[Int(id)].family : nil
    }
}
