/// Functions that say nothing about a bug, as found on the stacks of game servers. A trailing `*` matches any text.
enum SignatureLists {
    /// Functions that the text formats add; see ``MachineryNames`` for native code.
    static let fromFormats: [String] = TextReportFormats.all.flatMap(\.irrelevant)

    /// Skipped at the top of a stack: raising, aborting, unwinding, reporting.
    static let irrelevant = NamePatterns(MachineryNames.all + fromFormats)

    /// Frames above the outermost of these only report the crash.
    static let raisers = NamePatterns(MachineryNames.raisers)

    /// Named together with their caller, because they say too little alone.
    static let prefix = NamePatterns(
        Array(intercepted) + [
            "std::*", "__gnu_cxx::*", "boost::*", "absl::*", "core::*", "alloc::*", "<alloc::*", "<core::*", "<std::*",
            "TArray*", "TMap*", "TSet*", "TSparseArray*", "TSharedPtr*", "TSharedRef*", "TWeakPtr*", "TFunction*",
            "TUniquePtr*", "TIndirectArray*", "FString::*", "FName::*", "FMemory::*", "FMalloc*", "TBaseDelegate*",
            "UObject::ProcessEvent*", "UFunction::Invoke*", "pthread_mutex_*", "___pthread_mutex_*",
            "__pthread_mutex_*",
            "__lll_lock*", "runtime.mapaccess*", "runtime.mapassign*", "runtime.chansend*", "runtime.chanrecv*",
            "runtime.mapiter*", "runtime.mapdelete*", "runtime.mapclear*", "runtime.growslice*", "runtime.makeslice*",
            "sync.(*Mutex)*", "Swift.*", "specialized Swift.*",
            "swift_retain*",
            "swift_release*", "objc_msgSend*", "java.util.*", "java.lang.*", "java.net.*",
            "java.nio.*", "java.io.*", "sun.nio.*", "sun.misc.*", "jdk.internal.*", "System.Collections.*",
            "System.Linq.*",
            "Vector*", "Ref<*", "Variant::*", "vfprintf*", "__vfprintf*", "printf*", "strcpy*", "strcmp*", "qsort*",
            "_free_base", "_malloc_base", "RtlFreeHeap*", "RtlAllocateHeap*", "vsnprintf*", "__vsnprintf*", "snprintf*",
            "sprintf*", "strcat*", "strncpy*", "strtol*", "strtoul*", "atoi*", "fwrite*", "fread*", "sync.(*RWMutex)*",
            "<anonymous>", "anonymous", "<lambda>", "<genexpr>", "<listcomp>", "eval",
            "poll", "ppoll", "select", "epoll_wait", "epoll_pwait", "accept", "accept4", "connect", "open", "close",
            "nanosleep",
            "clock_nanosleep", "usleep", "sleep", "wait4", "waitpid", "futex_wait*", "__futex_*", "sem_wait*",
            "pthread_cond_*",
            "___pthread_cond_*", "__pthread_cond_*", "pthread_join*", "ioctl", "mmap", "munmap", "readdir*", "getenv*",
        ])

    /// Where a signature stops reading a stack: everything below only starts threads and programs.
    static let bottom = NamePatterns(
        systemBottom + ["main", "main.main", "<module>", "wmain", "WinMain", "wWinMain"])

    /// The functions of `bottom` that are not the program's own.
    static let notOfTheProgram = NamePatterns(systemBottom)

    private static let systemBottom = [
        "start_thread", "clone", "clone3", "__clone*", "__libc_start_main*", "__libc_start_call_main", "_start",
        "runtime.main",
        "runtime.goexit*", "runtime.mstart*", "runtime.rt0_go*", "std::rt::lang_start*", "BaseThreadInitThunk*",
        "RtlUserThreadStart*",
        "FRunnableThreadPThread::*", "FRunnableThread::*", "_ThreadProc", "thread_start", "thread_start<T>*",
        "execute_native_thread_routine*",
        "std::execute_native_thread_routine*", "libc_start_main_stage2", "__libc_start_main_impl",
        "generic_start_main*",
        "std::sys::backtrace::__rust_begin_short_backtrace*",
        "std::sys_common::backtrace::__rust_begin_short_backtrace*",
        "invoke_main", "__scrt_common_main*", "__tmainCRTStartup", "mainCRTStartup", "_pthread_start",
        "__pthread_start*",
        "__start_thread", "_dl_start*", "JavaMain", "ThreadJavaMain", "thread_native_entry*",
        "CorUnix::CPalThread::ThreadEntry*",
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
