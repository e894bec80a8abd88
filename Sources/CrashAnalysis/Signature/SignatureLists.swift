/// Functions that say nothing about a bug, as found on the stacks of game servers: those of native code, and what the
/// text formats add (``RuntimeNames``). A `*` matches any text.
enum SignatureLists {
    private static let runtimes = TextReportFormats.all.map(\.runtime)

    /// The patterns of `irrelevant`.
    static let machinery = MachineryNames.all + runtimes.flatMap(\.machinery)

    /// Skipped at the top of a stack: raising, aborting, unwinding, reporting.
    static let irrelevant = NamePatterns(machinery)

    /// Frames above the outermost of these only report the crash.
    static let raisers = NamePatterns(MachineryNames.raisers + runtimes.flatMap(\.raisers))

    /// On a dump's stack after a runtime panicked.
    static let panics = NamePatterns(runtimes.flatMap(\.panics))

    /// How the paths of source files of an interpreter begin; their callers are the program.
    static let sources = runtimes.flatMap(\.sources)

    /// Named together with their caller, because they say too little alone.
    static let prefix = NamePatterns(
        Array(intercepted) + runtimes.flatMap(\.libraries) + [
            "std::*", "__gnu_cxx::*", "boost::*", "absl::*", "pthread_mutex_*", "___pthread_mutex_*",
            "__pthread_mutex_*", "__lll_lock*", "objc_msgSend*", "vfprintf*", "__vfprintf*", "printf*", "strcpy*",
            "strcmp*", "qsort*", "_free_base", "_malloc_base", "RtlFreeHeap*", "RtlAllocateHeap*", "vsnprintf*",
            "__vsnprintf*", "snprintf*", "sprintf*", "strcat*", "strncpy*", "strtol*", "strtoul*", "atoi*", "fwrite*",
            "fread*", "poll", "ppoll", "select", "epoll_wait", "epoll_pwait", "accept", "accept4", "connect", "open",
            "close", "nanosleep", "clock_nanosleep", "usleep", "sleep", "wait4", "waitpid", "futex_wait*", "__futex_*",
            "sem_wait*", "pthread_cond_*", "___pthread_cond_*", "__pthread_cond_*", "pthread_join*", "ioctl", "mmap",
            "munmap", "readdir*", "getenv*",
        ])

    /// Where a signature stops reading a stack: everything below only starts threads and programs.
    static let bottom = NamePatterns(
        starters + runtimes.flatMap(\.entries) + ["main", "wmain", "WinMain", "wWinMain"])

    /// The functions of `bottom` that are not the program's own.
    static let notOfTheProgram = NamePatterns(starters)

    private static let starters = runtimes.flatMap(\.starters) + nativeStarters

    private static let nativeStarters = [
        "start_thread", "clone", "clone3", "__clone*", "__libc_start_main*", "__libc_start_call_main", "_start",
        "BaseThreadInitThunk*", "RtlUserThreadStart*", "thread_start", "thread_start<T>*",
        "execute_native_thread_routine*", "std::execute_native_thread_routine*", "libc_start_main_stage2",
        "__libc_start_main_impl", "generic_start_main*", "invoke_main", "__scrt_common_main*", "__tmainCRTStartup",
        "mainCRTStartup", "_pthread_start", "__pthread_start*", "__start_thread", "_dl_start*",
    ]

    /// C library functions that sanitizers intercept, so that they appear above the program's own frames.
    static let intercepted: Set<String> = [
        "memcpy", "memmove", "memset", "memcmp", "memchr", "mempcpy", "bcmp", "bzero", "strlen", "strnlen", "strcpy",
        "strncpy", "stpcpy", "strcat", "strncat", "strcmp", "strncmp", "strcasecmp", "strncasecmp", "strchr", "strrchr",
        "strstr", "strdup", "strndup", "strtol", "strtoll", "strtoul", "atoi", "atol", "atoll", "printf", "fprintf",
        "sprintf", "snprintf", "vprintf", "vfprintf", "vsprintf", "vsnprintf", "scanf", "sscanf", "fscanf", "vsscanf",
        "read", "pread", "recv", "recvfrom", "recvmsg", "write", "pwrite", "send", "sendto", "sendmsg", "fread",
        "fwrite",
        "fgets", "fputs", "puts", "wcslen", "wcscpy", "wmemcpy", "qsort", "getenv", "free", "malloc", "calloc",
        "realloc",
        "posix_memalign", "aligned_alloc", "memalign", "pthread_create", "pthread_mutex_lock", "pthread_mutex_unlock",
        "printf_common", "MemcmpInterceptorCommon", "StrstrCheck",
    ]
}
