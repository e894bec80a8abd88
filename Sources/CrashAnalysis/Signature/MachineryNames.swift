/// Functions of native code that raise, unwind and report. They show that a program ends, not why. The runtimes of the
/// text formats add theirs (``RuntimeNames``). Names are as signatures show them; a `*` matches any text.
enum MachineryNames {
    static let all = libraryOfC + signals + windows + cxx + reporters

    /// glibc, musl and bionic.
    static let libraryOfC = [
        "abort", "__abort", "__GI_*", "raise", "__raise", "gsignal", "__pthread_kill*", "pthread_kill*", "tgkill",
        "tkill", "kill", "__kill", "__libc_message*", "malloc_printerr*", "__malloc_assert*", "malloc_assert*",
        "__libc_fatal*", "__fortify_fail*", "__fortify_fatal", "__fortify_chk_fail", "__stack_chk_fail*",
        "__chk_fail", "__explicit_bzero_chk", "____longjmp_chk", "__longjmp_chk", "__assert_fail*",
        "__assert_perror_fail*", "__assert", "__assert2", "__assert_rtn", "_assert", "_wassert", "_int_free*",
        "_int_malloc*", "_int_realloc*", "_int_memalign*", "__libc_free*", "__libc_malloc*", "__libc_calloc*",
        "__libc_realloc*", "malloc_consolidate*", "unlink_chunk*", "tcache_*", "free", "cfree", "malloc", "realloc",
        "calloc", "reallocarray", "memalign", "aligned_alloc", "posix_memalign", "sysmalloc*", "systrim*",
        "munmap_chunk", "mremap_chunk", "get_meta", "__malloc_donate", "__bin_chunk", "unbin", "a_crash", "je_*",
        "mi_*", "scudo::*", "tc_malloc*", "tc_free*", "tcmalloc::*", "_Exit", "exit", "_exit", "quick_exit",
        "__run_exit_handlers", "__memcpy*", "__memmove*", "__memset*", "__memcmp*", "__memchr*", "__mempcpy*",
        "__strlen*", "__strnlen*", "__strcmp*", "__strncmp*", "__strcpy*", "__strncpy*", "__strcat*", "__strncat*",
        "__stpcpy*", "__strchr*", "__strrchr*", "__strstr*", "__strcasecmp*", "__strcpy_chk", "__sprintf_chk",
        "__snprintf_chk", "__vsprintf_chk", "__vsnprintf_chk", "__printf_chk", "__fprintf_chk", "__vfprintf_chk",
        "__read_chk", "__recv_chk", "__recvfrom_chk", "__fgets_chk", "__fread_chk", "__realpath_chk", "__getcwd_chk",
        "__gethostname_chk", "__poll_chk", "__fdelt_chk", "__FD_SET_chk", "__wcscpy_chk", "__wmemcpy*", "__wcslen*",
        "___snprintf_chk", "___sprintf_chk", "____vsnprintf_chk", "___vsnprintf_chk", "___vsprintf_chk",
        "____vsprintf_chk", "memcpy*", "memmove*", "memset*", "memcmp", "mempcpy", "strlen*", "strnlen",
        "__intel_sse2_*", "__intel_avx_*", "repmovs", "std_memcpy",
    ]

    /// Entry into and return from signal handlers. With dynamic symbols alone, the return prints as the exported
    /// function before it.
    static let signals = [
        "__kernel_vsyscall", "__kernel_rt_sigreturn", "__kernel_sigreturn", "__restore_rt", "__restore", "restore_rt",
        "__default_rt_sa_restorer*", "__default_sa_restorer*", "sigreturn", "rt_sigreturn", "__sigreturn",
        "_sigtramp", "__sigtramp", "_sigtramp_*", "<signal handler called>", "__libc_signal_restore_set",
        "__libc_signal_*", "funlockfile", "__funlockfile", "_IO_funlockfile", "sigaction*", "__sigaction*",
        "__libc_sigaction*", "killpg", "__killpg", "sigprocmask", "__sigprocmask", "pthread_sigmask*",
        "__pthread_sigmask*", "sigsuspend", "__sigsuspend", "signalHandler*", "syscall", "__syscall*",
        "__libc_do_syscall", "__syscall_cancel*", "internal_syscall*", "_dl_sysinfo_int80",
    ]

    /// The C runtime, the loader and the kernel's entry points of Windows.
    static let windows = [
        "DebugBreak", "__debugbreak", "DbgBreakPoint*", "RaiseException*", "RaiseFailFastException*",
        "KiUserExceptionDispatch*", "KiRaiseUserExceptionDispatcher*", "RtlRaiseException*", "RtlRaiseStatus*",
        "RtlDispatchException*", "RtlpCallVectored*", "RtlpExecuteHandlerForException*", "RtlUnwind*", "RtlFailFast*",
        "RtlReportException*", "RtlReportFatalFailure*", "RtlReportCriticalFailure*", "RtlpReportHeapFailure*",
        "RtlpHeapHandleError*", "RtlpLogHeapFailure*", "RtlpBreakPointHeap*", "RtlpFreeHeap*", "RtlpAllocateHeap*",
        "RtlExitUserProcess*", "RtlUnhandledExceptionFilter*", "UnhandledExceptionFilter*", "CxxThrowException*",
        "_CxxThrowException*", "CallUnexpected*", "terminate", "__scrt_*", "__report_gsfailure*",
        "__report_rangecheckfailure*", "__report_securityfailure*", "__raise_securityfailure*", "__fastfail*",
        "__security_check_cookie", "_invalid_parameter*", "_invoke_watson*", "_invalid_parameter_noinfo*", "_purecall*",
        "purecall*", "_seh_filter_*", "common_assert*", "issue_debug_notification*", "abort_action*",
        "_call_reportfault*", "__CxxFrameHandler*", "__C_specific_handler*", "_C_specific_handler*",
        "__InternalCxxFrameHandler*", "FindHandler*", "CatchIt*", "_CallSettingFrame*", "_local_unwind*",
        "__GSHandlerCheck*", "NtTerminateProcess*", "ZwTerminateProcess*", "TerminateProcess*", "ExitProcess*",
        "NtRaiseException*", "ZwRaiseException*", "NtRaiseHardError*", "ZwRaiseHardError*", "NtWaitForSingleObject*",
        "ZwWaitForSingleObject*", "NtWaitForMultipleObjects*", "ZwWaitForMultipleObjects*", "WaitForSingleObject*",
        "WaitForMultipleObjects*", "WerpReportFault*", "WerReportFault*", "WerpWaitForCrashReporting*", "VCRUNTIME*",
        "ucrtbase*", "ntdll*", "KERNELBASE*", "KERNEL32*", "MiniDumpWriteDump*", "MessageBox*",
    ]

    /// libstdc++, libc++abi, the unwinders, allocation.
    static let cxx = [
        "std::terminate*", "std::__terminate*", "std::unexpected*", "std::__1::terminate*", "__cxxabiv1::*",
        "__cxa_*", "__gnu_cxx::__verbose_terminate_handler*", "demangling_terminate_handler*",
        "demangling_unexpected_handler*", "abort_message*", "failed_throw*", "_Unwind_*", "__gxx_personality*",
        "__gcc_personality*", "std::__throw_*", "std::__1::__throw_*", "std::__glibcxx_assert_fail*",
        "std::__replacement_assert*", "std::__libcpp_verbose_abort*", "std::__1::__libcpp_verbose_abort*",
        "std::abort*", "std::rethrow_exception*", "std::__exception_ptr::*", "__clang_call_terminate",
        "__glibcxx_assert*", "operator delete*", "operator new*", "uw_*", "unwind_phase2*", "__libunwind_*", "unw_*",
        "boost::throw_exception*", "boost::assertion_failed*", "std::_Xlength_error*", "std::_Xout_of_range*",
        "std::_Xbad_function_call*", "std::_Xinvalid_argument*", "std::_Xruntime_error*", "std::_Xbad_alloc*",
        "std::_Throw_*",
    ]

    /// Libraries that print stacks or write dumps from within the program.
    static let reporters = [
        "backtrace", "__backtrace", "backtrace_symbols*", "__backtrace_symbols*", "boost::stacktrace::*",
        "std::stacktrace*", "std::basic_stacktrace*", "google_breakpad::*", "crashpad::*", "sentry_*", "sentry__*",
        "sentry::*", "bugsnag_*", "BugSplat*", "folly::symbolizer::*", "spdlog::*", "StackWalker::*",
        "PrintStackTrace*", "printStackTrace*", "print_stacktrace*", "print_backtrace*", "PrintBacktrace*",
        "dump_backtrace*", "DumpBacktrace*", "CrashHandler::*", "crash_handler*", "crashHandler*", "signal_handler*",
        "SignalHandler", "sigsegv_handler*", "segfault_handler*", "NonCtrlHandler", "handle_crash*", "sig_handler*",
        "sighandler", "llvm::sys::PrintStackTrace*", "PrintStackTraceSignalHandler*", "llvm::sys::RunSignalHandlers*",
        "SignalsHandler*", "llvm::report_fatal_error*", "g3::*", "easyloggingpp*",
    ]

    /// Frames above the outermost of these were called because the program was about to end: its handlers and report
    /// writers.
    static let raisers = [
        "<signal handler called>", "__restore_rt", "__restore", "__kernel_rt_sigreturn", "__kernel_sigreturn",
        "__default_rt_sa_restorer*", "__default_sa_restorer*", "_sigtramp", "_sigtramp_*", "funlockfile",
        "__funlockfile", "_IO_funlockfile", "sigaction", "__sigaction", "__libc_sigaction", "killpg", "__killpg",
        "raise", "gsignal", "__GI_raise", "abort", "__GI_abort", "__libc_message*", "__fortify_fail*",
        "__stack_chk_fail*", "__chk_fail", "__assert_fail*", "__GI___assert_fail*", "__assert", "__assert2",
        "__assert_rtn", "_wassert", "std::terminate*", "std::__terminate*", "__cxxabiv1::__terminate*", "__cxa_throw",
        "__cxa_rethrow", "__cxa_pure_virtual", "KiUserExceptionDispatch*", "UnhandledExceptionFilter*",
    ]

    /// Parts of the names of functions that handle signals and write reports. Matched against a name's letters in lower
    /// case, because programs use every naming style.
    static let handlerWords = [
        "signalhandler", "sighandler", "handlesignal", "handlelinuxsignal", "segvhandler", "handlesegv",
        "handlesigsegv", "segfaulthandler", "handlesegfault", "aborthandler", "handleabort", "faulthandler",
        "crashhandler", "handlecrash", "nonctrlhandler", "terminatehandler", "unhandledexception", "exceptionfilter",
        "fatalsignal", "panichandler", "printstack", "dumpstack", "writestack", "logstack", "stacktrace", "stackwalk",
        "printbacktrace", "dumpbacktrace", "writebacktrace", "logbacktrace", "showbacktrace", "getbacktrace",
        "printcallstack", "dumpcallstack", "minidumpwritedump", "catchsegv", "onsegv", "onsigsegv", "onsigabrt",
    ]

    /// Words that programs use for reporting but also for parts of the game. They match frames at the top, and only if
    /// the program has other frames below.
    static let reporterWords = [
        "crashreport", "reportcrash", "writereport", "crashdump", "writeminidump", "writedump", "createdump",
        "dumpcrash", "oncrash", "onsignal", "onabort", "onfatal", "onterminate", "fatalerrorhandler", "crashlog",
        "savecrash", "writecrash", "logcrash", "exceptionhandler",
    ]
}
