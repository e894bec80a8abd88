/// Functions with which runtimes raise, unwind and report, grouped by runtime. They show that a program ends, not why.
/// Names are as signatures show them; a trailing `*` matches any text.
enum MachineryNames {
    static let all =
        libraryOfC + signals + windows + cxx + sanitizers + reporters + engines + go + rust + swift + managed + scripts

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

    /// The C runtime, the loader and the kernel's entry points of Windows, and wine's versions of them.
    static let windows = [
        "DebugBreak", "__debugbreak", "DbgBreakPoint*", "RaiseException*", "RaiseFailFastException*",
        "KiUserExceptionDispatch*", "KiRaiseUserExceptionDispatcher*", "RtlRaiseException*", "RtlRaiseStatus*",
        "RtlDispatchException*", "RtlpCallVectored*", "RtlpExecuteHandlerForException*", "RtlUnwind*", "RtlFailFast*",
        "RtlReportException*", "RtlReportFatalFailure*", "RtlReportCriticalFailure*", "RtlpReportHeapFailure*",
        "RtlpHeapHandleError*", "RtlpLogHeapFailure*", "RtlpBreakPointHeap*", "RtlpFreeHeap*", "RtlpAllocateHeap*",
        "RtlExitUserProcess*", "RtlUnhandledExceptionFilter*", "UnhandledExceptionFilter*", "CxxThrowException*",
        "_CxxThrowException*", "CallUnexpected*", "terminate", "__scrt_*", "__report_gsfailure*",
        "__report_rangecheckfailure*", "__report_securityfailure*", "__raise_securityfailure*", "__fastfail*",
        "__security_check_cookie", "_invalid_parameter*", "_invoke_watson*", "_invalid_parameter_noinfo*",
        "_purecall*", "purecall*", "_seh_filter_*", "common_assert*", "issue_debug_notification*", "abort_action*",
        "_call_reportfault*", "__CxxFrameHandler*", "__C_specific_handler*", "_C_specific_handler*",
        "__InternalCxxFrameHandler*", "FindHandler*", "CatchIt*", "_CallSettingFrame*", "_local_unwind*",
        "__GSHandlerCheck*", "NtTerminateProcess*", "ZwTerminateProcess*", "TerminateProcess*", "ExitProcess*",
        "NtRaiseException*", "ZwRaiseException*", "NtRaiseHardError*", "ZwRaiseHardError*", "NtWaitForSingleObject*",
        "ZwWaitForSingleObject*", "NtWaitForMultipleObjects*", "ZwWaitForMultipleObjects*", "WaitForSingleObject*",
        "WaitForMultipleObjects*", "WerpReportFault*", "WerReportFault*", "WerpWaitForCrashReporting*", "VCRUNTIME*",
        "ucrtbase*", "ntdll*", "KERNELBASE*", "KERNEL32*", "MiniDumpWriteDump*", "MessageBox*", "invoke_handler*",
        "call_seh_handlers*", "dispatch_exception*", "call_stack_handlers*", "segv_handler*", "abrt_handler*",
        "trap_handler*", "raise_func_trampoline*", "my_sigaction*", "my_box64signalhandler*", "emit_signal*",
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

    static let sanitizers = [
        "__asan*", "__asan::*", "__sanitizer::*", "__sanitizer_*", "__interceptor_*", "___interceptor_*", "__tsan*",
        "__ubsan*", "__msan*", "__lsan*", "__hwasan*", "__gwp_asan*", "gwp_asan::*", "__sancov*", "__interception::*",
        "__cfi_*", "__libfuzzer*", "fuzzer::*",
    ]

    /// Libraries that print stacks or write dumps from within the program.
    static let reporters = [
        "backtrace", "__backtrace", "backtrace_symbols*", "__backtrace_symbols*", "cpptrace::*",
        "boost::stacktrace::*", "std::stacktrace*", "std::basic_stacktrace*", "backward::*", "absl::GetStackTrace*",
        "absl::debugging_internal::*", "absl::DumpStackTrace*", "absl::AbslFailureSignalHandler*",
        "google::DumpStackTrace*", "google::LogMessage*", "google::logging_fail*", "google::FailureSignalHandler*",
        "google::LogMessageFatal*", "google_breakpad::*", "crashpad::*", "sentry_*", "sentry__*", "sentry::*",
        "bugsnag_*", "BugSplat*", "folly::symbolizer::*", "g_log", "g_logv", "g_log_structured*",
        "g_log_default_handler*", "g_assertion_message*", "g_on_error_*", "g_error*", "spdlog::*", "StackWalker::*",
        "PrintStackTrace*", "printStackTrace*", "print_stacktrace*", "print_backtrace*", "PrintBacktrace*",
        "dump_backtrace*", "DumpBacktrace*", "CrashHandler::*", "crash_handler*", "crashHandler*", "signal_handler*",
        "SignalHandler", "sigsegv_handler*", "segfault_handler*", "NonCtrlHandler", "handle_crash*", "sig_handler*",
        "sighandler", "llvm::sys::PrintStackTrace*", "PrintStackTraceSignalHandler*", "llvm::sys::RunSignalHandlers*",
        "SignalsHandler*", "llvm::report_fatal_error*", "g3::*", "easyloggingpp*",
    ]

    /// Unreal, Unity, Godot, Source, Luanti and other engines.
    static let engines = [
        "FDebug::*", "FOutputDevice*", "FError::*", "FGenericPlatformMisc::RaiseException*",
        "FGenericPlatformMisc::RequestExit*", "FGenericPlatformMisc::LogOutput*", "FMsg::Logf*", "FMsg::FatalErrorf*",
        "FUnixPlatformMisc::*", "FLinuxPlatformMisc::*", "FWindowsPlatformMisc::*", "FUnixPlatformStackWalk::*",
        "FLinuxPlatformStackWalk::*", "FWindowsPlatformStackWalk::*", "FGenericPlatformStackWalk::*",
        "StaticFailDebug*", "CommonUnixCrashHandler*", "CommonLinuxCrashHandler*", "PlatformCrashHandler*",
        "DefaultCrashHandler*", "EngineCrashHandler*", "GracefulTerminationHandler*", "FUnixCrashContext::*",
        "FLinuxCrashContext::*", "FWindowsErrorOutputDevice*", "FUnixErrorOutputDevice*", "ReportCrash*",
        "ReportAssert*", "ReportGPUCrash*", "ReportEnsure*", "FCrashReportingThread::*", "RaiseAssertException*",
        "AssertFailedImplV*", "UE::Assert::*", "UE::Logging::Private::*", "LowLevelFatalError*",
        "FLowLevelFatalError*", "LogFatalImpl*", "Windows_Sys_*", "Sys_Error*", "Error_Internal*",
        "Plat_ExitProcess*", "Plat_Abort*", "_SpewMessage*", "_ExitOnFatalAssert*", "AssertMsgImplementation*",
        "CallAssertFailedNotifyFunc*", "Host_Error*", "HandleSignal", "CrashHandlerException*", "CrashHandler_*",
        "UnityDefaultSignalHandler*", "DebuggerExceptionHandler*", "LaunchCrashReporter*", "ProcessCrashHandler*",
        "CustomUnhandledExceptionFilter*", "ExitProcessWithErrorCode*", "Application_CUSTOM_ForceCrash*",
        "DiagnosticsUtils_CUSTOM_ForceCrash*", "handle_crash", "_err_print_error*", "_err_flush_stdout*",
        "sig_handler", "fatal_error_fn*", "debug_set_exception_handler*", "Logger::writeStacktrace*",
        "Logger::logStacktrace*",
    ]

    static let go = [
        "runtime.gopanic", "runtime.sigpanic*", "runtime.panic*", "runtime.throw*", "runtime.fatal",
        "runtime.fatalthrow*", "runtime.fatalpanic*", "runtime.goPanic*", "runtime.dopanic*", "runtime.systemstack*",
        "runtime.raise*", "runtime.dieFromSignal*", "runtime.crash", "runtime.sigfwd*", "runtime.sigtramp*",
        "runtime.sigreturn*", "runtime.sighandler*", "runtime.sigtrampgo*", "runtime.cgoSigtramp*",
        "runtime.mallocgc*", "runtime.morestack*", "runtime.newstack*", "runtime.asmcgocall*", "runtime.cgocall*",
        "runtime.cgocallback*", "runtime.(*mheap)*", "runtime.(*mcache)*", "runtime.(*mcentral)*",
        "runtime.(*mspan)*", "runtime.(*sweepLocked)*", "runtime.gopark*", "runtime.goparkunlock*", "runtime.mcall*",
        "runtime.park_m*", "runtime.futex*", "runtime.notesleep*", "runtime.notetsleep*", "runtime.schedule*",
        "runtime.findRunnable*", "runtime.stopm*", "runtime.fatal*", "runtime.semacquire*", "runtime.semrelease*",
        "runtime.unlock*", "runtime.lock*", "runtime.abort*", "runtime.exit*", "runtime.tgkill*",
        "runtime.gcWriteBarrier*", "runtime.wbBuf*", "runtime.memmove*", "runtime.memclr*", "runtime.memequal*",
        "runtime.duffcopy*", "runtime.duffzero*", "runtime.deferCall*", "runtime.call32*", "runtime.debugCall*",
        "runtime.recovery*", "runtime.preprintpanics*", "runtime.printpanics*", "runtime.assert*",
        "runtime.nilinterequal*", "runtime.efaceeq*", "runtime.ifaceeq*", "runtime/debug.*", "internal/runtime/*",
        "internal/poll.runtime_*", "sync.runtime_*", "sync.fatal", "sync.(*Mutex).unlockSlow*", "sync.throw",
        "internal/sync.*", "os.runtime_*", "reflect.Value.call*", "panic", "log.Fatal*", "log.Panic*",
        "log.(*Logger).Fatal*", "log.(*Logger).Panic*", "reflect.*", "go.uber.org/zap*", "github.com/sirupsen/logrus.*",
        "github.com/rs/zerolog.*", "k8s.io/klog*", "k8s.io/apimachinery/pkg/util/runtime.*",
    ]

    /// Rust, before and after `__rustc`.
    static let rust = [
        "__rustc::*", "rust_begin_unwind", "rust_panic*", "rust_eh_personality*", "core::panicking::*",
        "std::panicking::*", "<std::panicking::*", "std::panic::*", "core::panic::*", "std::process::abort*",
        "std::process::exit*", "std::sys::pal::*", "std::sys::unix::abort*", "std::sys::unix::stack_overflow*",
        "std::sys::exit_guard*", "std::rt::abort*", "std::backtrace*", "std::backtrace_rs::*", "backtrace::*",
        "<backtrace::*", "std::sys_common::backtrace::*", "std::sys::backtrace::*", "<std::sys::backtrace::*",
        "<<std::sys::backtrace::*", "<std::sys_common::backtrace::*", "core::result::unwrap_failed*",
        "core::option::expect_failed*", "core::option::unwrap_failed*", "core::option::Option<T>::unwrap*",
        "core::option::Option<T>::expect*", "core::result::Result<T>::unwrap*", "core::result::Result<T>::expect*",
        "core::cell::panic_already*", "core::str::slice_error_fail*", "core::slice::index::*", "core::str::traits::*",
        "core::array::<T>::*", "alloc::string::<T>::*", "alloc::vec::<T>::*", "core::slice::copy_from_slice_impl*",
        "alloc::vec::Vec<T>::remove::assert_failed*", "alloc::vec::Vec<T>::swap_remove::assert_failed*",
        "alloc::alloc::handle_alloc_error*", "alloc::raw_vec::*", "core::ops::function::*", "core::fmt::*",
        "<core::fmt::*", "std::io::default_write_fmt*", "std::io::Write::write_fmt*", "std::alloc::*",
        "alloc::alloc::*", "__rust_*", "__rg_*", "__rdl_*", "color_eyre::*", "<color_eyre::*", "color_backtrace::*",
        "human_panic::*", "sentry_backtrace::*", "sentry_panic::*", "anyhow::error::*", "eyre::*",
        "std::sys::thread_local::*", "log_panics::*",
    ]

    /// Swift, and the checks of its collections.
    static let swift = [
        "$ss17_assertionFailure*", "$ss18_fatalErrorMessage*", "_assertionFailure*", "_fatalErrorMessage*",
        "assertionFailure*", "fatalError*", "preconditionFailure*",
        "precondition", "assert", "_precondition*", "_preconditionFailure*", "_checkIndex*", "swift_unexpectedError*",
        "swift_abort*", "_swift_runtime_*", "_swift_stdlib_*", "swift::fatalError*", "swift::swift_abort*",
        "swift::crash*", "swift::warning*", "swift_dynamicCastFailure*", "swift_conformsToProtocol*",
        "swift_task_reportUnexpectedExecutor*", "swift_reportError*", "swift_deletedMethodError*",
        "Swift runtime failure*", "Swift._assertionFailure*", "Swift._fatalErrorMessage*", "Swift.fatalError*",
        "Swift.preconditionFailure*", "Swift.assertionFailure*", "_diagnoseUnexpectedNilOptional*",
        "Swift._diagnoseUnexpectedNilOptional*", "_diagnoseUnexpectedEnum*", "_unavailableMethod*", "_abstract",
        "Array.subscript*", "Array._checkSubscript*", "Array._getElement*", "Array._checkIndex*", "ContiguousArray.*",
        "ArraySlice.subscript*", "ArraySlice._checkIndex*", "_ArrayBuffer.*", "_ContiguousArrayBuffer.*",
        "_SliceBuffer.*", "Swift.Array.subscript*", "Swift.Array._checkSubscript*", "Swift._ArrayBuffer.*",
        "Swift._ContiguousArrayBuffer.*", "Dictionary.subscript*", "String.subscript*", "StringProtocol.subscript*",
        "_StringGuts.*", "UnsafeMutableBufferPointer.subscript*", "UnsafeBufferPointer.subscript*",
        "Collection._failEarlyRangeCheck*", "StaticString.*", "Swift.StaticString.*", "_StringGuts.withFastUTF8*",
        "String.withUTF8*", "Swift.String.withUTF8*",
    ]

    /// The virtual machines: HotSpot, CoreCLR, Mono, IL2CPP, V8 and node.
    static let managed = [
        "VMError::*", "JVM_handle_*", "PosixSignals::*", "report_vm_error*", "report_vm_out_of_memory*",
        "report_java_out_of_memory*", "report_fatal*", "report_should_not_*", "report_unimplemented*",
        "report_untested*", "vm_exit*", "vm_abort*", "vm_direct_exit*", "vm_perform_shutdown_actions*", "os::abort*",
        "os::die*", "os::signal_raise*", "os::print_native_stack*", "javaSignalHandler*", "UserHandler*",
        "call_chained_handler*", "NativeStackPrinter::*", "topLevelExceptionFilter*",
        "topLevelVectoredExceptionFilter*", "before_exit*", "GenerateDumpOnError*", "java.lang.Throwable.*",
        "java.lang.Thread.getStackTrace*", "java.lang.Thread.dumpStack*", "java.util.Objects.requireNon*",
        "java.util.Objects.checkIndex*", "java.util.Objects.checkFromToIndex*", "java.lang.AbstractStringBuilder.*",
        "jdk.internal.util.Preconditions.*", "jdk.internal.reflect.*", "sun.reflect.*", "java.lang.reflect.*",
        "jdk.internal.vm.*", "java.util.concurrent.CompletableFuture.encodeThrowable*",
        "java.util.concurrent.CompletableFuture.reportJoin*", "java.util.concurrent.FutureTask.report*",
        "com.google.common.base.Preconditions.*", "org.apache.commons.lang3.Validate.*",
        "net.fabricmc.loader.impl.*", "net.minecraftforge.fml.ModLoader.*", "net.neoforged.fml.ModLoader.*",
        "net.minecraft.CrashReport.*", "net.minecraft.ReportedException.*", "kotlin.jvm.internal.Intrinsics.*",
        "kotlin.KotlinNothingValueException*", "kotlin.PreconditionsKt*", "scala.Predef*", "scala.sys.package*",
        "PROCAbort*", "PROCCreateCrashDump*", "PROCNotifyProcessShutdown*", "PROCEndProcess*",
        "TerminateCurrentProcessNoWait*", "EEPolicy::*", "CrashDumpAndTerminateProcess*", "RaiseFailFastException*",
        "SafeExitProcess*", "ForceEEShutdown*", "EEShutDown*", "common_signal_handler*", "sigabrt_handler*",
        "sigill_handler*", "sigfpe_handler*", "sigbus_handler*", "sigtrap_handler*", "signal_handler_worker*",
        "ExecuteHandlerOnOriginalStack*", "ExecuteHandlerOnCustomStack*", "CallSignalHandlerWrapper*",
        "invoke_previous_action*", "SEHProcessException*", "PAL_DispatchException*", "PAL_SEHException*",
        "RtlpRaiseException*", "DispatchManagedException*", "DispatchExSecondPass*", "IL_Throw*", "IL_Rethrow*",
        "JIT_Throw*", "JIT_RngChkFail*", "JIT_FailFast*", "RaiseTheException*", "ProcessCLRException*",
        "HandleHardwareException*", "UnwindManagedException*", "DefaultCatchHandler*",
        "InternalUnhandledExceptionFilter*", "ThrowExceptionForHR*", "RhThrow*", "RhpThrow*", "RhFailFast*",
        "System.Environment.FailFast*", "System.RuntimeExceptionHelpers.*", "System.Runtime.EH.*",
        "System.ThrowHelper.*", "System.Diagnostics.Debug.*", "System.Diagnostics.Trace.*",
        "System.Diagnostics.DebugProvider.*", "System.Diagnostics.TraceInternal.*", "System.Diagnostics.StackTrace.*",
        "System.Diagnostics.StackFrame*", "System.Diagnostics.DefaultTraceListener.*",
        "System.Runtime.ExceptionServices.*", "System.Runtime.CompilerServices.TaskAwaiter*",
        "System.Runtime.CompilerServices.ValueTaskAwaiter*",
        "System.Runtime.CompilerServices.ConfiguredTaskAwaitable*",
        "System.Runtime.CompilerServices.ConfiguredValueTaskAwaitable*", "System.Threading.Tasks.Task.Throw*",
        "System.Environment.get_StackTrace*", "System.Environment.GetStackTrace*",
        "System.ArgumentNullException.Throw*", "System.ArgumentOutOfRangeException.Throw*",
        "System.ArgumentException.Throw*", "System.ObjectDisposedException.Throw*", "Internal.Runtime.*",
        "UnityEngine.StackTraceUtility*", "UnityEngine.Debug*", "UnityEngine.Logger*", "UnityEngine.DebugLogHandler*",
        "UnityEngine.Diagnostics.Utils*", "UnityEngine.UnhandledExceptionHandler*", "mono_*",
        "sigsegv_signal_handler*", "monoeg_*", "g_assert_*", "il2cpp::vm::Exception::*", "il2cpp::vm::Runtime::*",
        "il2cpp::vm::StackTrace::*", "il2cpp::utils::*", "il2cpp::os::*", "il2cpp_codegen_*", "il2cpp_runtime_*",
        "il2cpp_raise*", "il2cpp_unity_*", "scripting_method_invoke*", "ScriptingInvocation::*", "MonoManager::*",
        "MonoBehaviour::CallMethod*", "<Module>:runtime_invoke*", "object:runtime_invoke*", "Object:runtime_invoke*",
        "(wrapper*", "node::Abort*", "node::Assert*", "node::OnFatalError*", "node::OOMErrorHandler*",
        "node::DumpBacktrace*", "node::DumpNativeBacktrace*", "node::DumpJavaScriptBacktrace*",
        "node::TrapWebAssemblyOrContinue*", "node::errors::*", "node::TriggerUncaughtException*",
        "node::PrintUncaughtException*", "node::PrintException*", "V8_Fatal*", "V8_Dcheck*", "v8::base::OS::Abort*",
        "v8::base::FatalOOM*", "v8::base::debug::*", "v8::Utils::ReportOOMFailure*", "v8::Utils::ReportApiFailure*",
        "v8::internal::V8::FatalProcessOutOfMemory*", "v8::internal::Heap::FatalProcessOutOfMemory*",
        "v8::internal::Runtime_Abort*", "v8::internal::Isolate::PushStackTraceAndDie*",
        "v8::internal::Isolate::Throw*", "Runtime_Throw*",
    ]

    /// Interpreters: their functions that raise.
    static let scripts = [
        "luaD_throw*", "luaG_runerror*", "luaG_errormsg*", "luaG_typeerror*", "luaL_error*", "lua_error*",
        "luaL_argerror*", "lj_err_*", "error", "Py_FatalError*", "_Py_FatalError*", "fatal_error",
        "fatal_error_exit*", "faulthandler_*", "_Py_DumpTraceback*", "rb_bug*", "rb_raise*", "rb_exc_raise*",
        "rb_fatal*", "die", "rb_vm_bugreport*", "rb_print_backtrace*", "rb_check_stack_overflow*", "erlang:error",
        "erlang:raise", "erl_exit*",
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
        "runtime.gopanic", "runtime.sigpanic*", "runtime.panicmem*", "runtime.throw", "runtime.fatalthrow*",
        "runtime.fatalpanic*", "panic", "__rustc::rust_begin_unwind", "rust_begin_unwind", "core::panicking::*",
        "std::panicking::begin_panic*", "std::panicking::rust_panic*", "std::panicking::panic_handler*",
        "std::panicking::panic_with_hook*", "_assertionFailure*", "Swift._assertionFailure*", "_fatalErrorMessage*",
        "FDebug::*", "StaticFailDebug*",
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
