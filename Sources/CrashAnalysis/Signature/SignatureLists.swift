/// The functions that say nothing about a bug, as game servers meet them. Patterns end in `*` where a prefix is meant.
enum SignatureLists {
    /// Skipped wherever they stand at the top: raising, aborting, unwinding, reporting.
    static let irrelevant = [
        "abort", "raise", "gsignal", "__GI_*", "__pthread_kill*", "pthread_kill*", "tgkill", "__kernel_vsyscall",
        "__restore_rt", "__libc_signal_restore_set", "<signal handler called>", "__libc_message*", "malloc_printerr*",
        "__fortify_fail*", "__stack_chk_fail*", "__chk_fail", "__assert_fail*", "__assert_perror_fail*", "__assert",
        "__assert_rtn", "_int_free*", "_int_malloc*", "__libc_free*", "__libc_malloc*", "malloc_consolidate*",
        "unlink_chunk*", "free", "cfree", "malloc", "realloc", "calloc", "sysmalloc", "munmap_chunk",
        "std::terminate*", "__cxxabiv1::*", "__cxa_*", "__gnu_cxx::__verbose_terminate_handler*", "_Unwind_*",
        "__gxx_personality*", "std::__throw_*", "std::__glibcxx_assert_fail*", "std::__replacement_assert*",
        "std::rethrow_exception*", "__clang_call_terminate", "operator delete*", "operator new*",
        "__asan*", "__asan::*", "__sanitizer::*", "__interceptor_*", "__tsan*", "__ubsan*", "__msan*", "__lsan*",
        "__hwasan*", "___interceptor_*", "__memcpy*", "__memmove*", "__memset*", "__strlen*", "__strcmp*",
        "memcpy*", "memmove*", "memset*", "strlen*", "__mem*_avx*", "__str*_avx*",
        "FDebug::*", "FOutputDevice*", "FError::*", "FGenericPlatformMisc::RaiseException*", "FMsg::Logf*",
        "FUnixPlatformMisc::*", "FLinuxPlatformMisc::*", "FWindowsPlatformMisc::*", "StaticFailDebug*",
        "CommonUnixCrashHandler*", "PlatformCrashHandler*", "FUnixCrashContext::*", "FLinuxCrashContext::*",
        "AssertFailedImplV*", "UE::Assert::*", "LowLevelFatalError*", "FLowLevelFatalError*",
        "runtime.gopanic", "runtime.sigpanic*", "runtime.panic*", "runtime.throw*", "runtime.fatalthrow*",
        "runtime.fatalpanic*", "runtime.goPanic*", "runtime.dopanic*", "runtime.systemstack*", "runtime.raise*",
        "runtime.dieFromSignal*", "runtime.crash", "runtime.sigfwd*", "runtime.sigtramp*", "runtime.mallocgc*",
        "panic", "runtime.morestack*", "runtime.newstack*", "runtime.(*mheap)*", "runtime.(*mcache)*",
        "rust_begin_unwind", "rust_panic*", "core::panicking::*", "std::panicking::*", "std::panic::*",
        "core::result::unwrap_failed*", "core::option::expect_failed*", "core::option::unwrap_failed*",
        "std::sys_common::backtrace::*", "std::sys::backtrace::*", "std::backtrace*", "__rust_*",
        "alloc::alloc::handle_alloc_error*", "alloc::raw_vec::*", "core::ops::function::*",
        "_assertionFailure*", "_fatalErrorMessage*", "assertionFailure*", "fatalError*", "preconditionFailure*",
        "swift_unexpectedError", "_swift_runtime_*", "swift::fatalError*", "swift_dynamicCastFailure*",
        "Swift runtime failure*", "Swift._assertionFailure*", "Swift._fatalErrorMessage*",
        "g_log", "g_logv", "g_log_structured*", "g_assertion_message*", "g_on_error_*",
        "google::DumpStackTrace*", "google::LogMessage*", "google_breakpad::*", "crashpad::*", "Sys_Error*",
        "Plat_ExitProcess*", "_Exit", "exit", "_exit", "__run_exit_handlers", "DebugBreak", "RaiseException",
        "KiUserExceptionDispatcher*", "RtlRaiseException*", "CxxThrowException*", "_CxxThrowException*",
        "NtTerminateProcess*", "ZwTerminateProcess*", "WaitForSingleObject*", "signalHandler*", "sigaction*",
        "System.Environment.FailFast*", "System.ThrowHelper.*", "System.Diagnostics.Debug.*",
        "java.lang.Throwable.*", "java.util.Objects.requireNonNull", "java.lang.AbstractStringBuilder.*",
    ]

    /// Part of a signature, but not enough of it: the caller is named too.
    static let prefix = [
        "std::*", "__gnu_cxx::*", "boost::*", "absl::*", "core::*", "alloc::*", "<alloc::*", "<core::*", "<std::*",
        "TArray*", "TMap*", "TSet*", "TSparseArray*", "TSharedPtr*", "TSharedRef*", "TWeakPtr*", "TFunction*",
        "TUniquePtr*", "TIndirectArray*", "FString::*", "FName::*", "FMemory::*", "FMalloc*", "TBaseDelegate*",
        "UObject::ProcessEvent*", "UFunction::Invoke*", "pthread_mutex_*", "___pthread_mutex_*", "__pthread_mutex_*",
        "__lll_lock*", "runtime.mapaccess*", "runtime.mapassign*", "runtime.chansend*", "runtime.chanrecv*",
        "runtime.growslice*", "runtime.makeslice*", "sync.(*Mutex)*", "Swift.*", "specialized Swift.*", "swift_retain*",
        "swift_release*", "objc_msgSend*", "java.util.*", "java.lang.*", "System.Collections.*", "System.Linq.*",
        "Vector*", "Ref<*", "Variant::*", "vfprintf*", "__vfprintf*", "printf*", "strcpy*", "strcmp*", "qsort*",
        "_free_base", "_malloc_base", "RtlFreeHeap*", "RtlAllocateHeap*",
    ]

    /// Where reading a stack for its signature ends: everything below starts threads and programs.
    static let bottom = [
        "main", "start_thread", "clone", "clone3", "__clone*", "__libc_start_main*", "__libc_start_call_main",
        "_start", "main.main", "runtime.main", "runtime.goexit*", "std::rt::lang_start*", "BaseThreadInitThunk*",
        "RtlUserThreadStart*", "FRunnableThreadPThread::*", "_ThreadProc", "<module>", "thread_start",
    ]

    /// What sanitizers take the place of in the C library, so that it stands above the program's own frames.
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

    static func matches(_ name: String, _ patterns: [String]) -> Bool {
        patterns.contains { pattern in
            pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
        }
    }
}
