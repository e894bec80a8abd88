import Testing

@testable import CrashAnalysis

/// Every pattern of the lists by which frames are signed matches a name as it occurs on a stack. A pattern that matches
/// none, because names are normalized first or its wildcards are read differently, would do nothing unnoticed.
@Suite struct SignaturePatternTests {
    /// Names as reports and symbol tables have them, for all patterns that are more than the beginning of a plain name.
    private static let examples: [String: String] = [
        "<signal handler called>": "<signal handler called>",
        "operator delete*": "operator delete(void*, unsigned long)",
        "operator new*": "operator new[](unsigned long)",
        "thread_start<T>*": "thread_start<unsigned int (__cdecl*)(void *),1>",
        "absl::*AbslFailureSignalHandler*": "absl::lts_20230125::AbslFailureSignalHandler(int, siginfo_t*, void*)",
        "absl::*LogMessage*": "absl::log_internal::LogMessage::FailWithoutStackTrace()",
        "runtime.(*mheap)*": "runtime.(*mheap).allocSpan",
        "runtime.(*mcache)*": "runtime.(*mcache).nextFree",
        "runtime.(*mcentral)*": "runtime.(*mcentral).cacheSpan",
        "runtime.(*mspan)*": "runtime.(*mspan).reportZombies",
        "runtime.(*sweepLocked)*": "runtime.(*sweepLocked).sweep",
        "runtime/debug.*": "runtime/debug.Stack",
        "internal/runtime/*": "internal/runtime/maps.fatal",
        "internal/poll.runtime_*": "internal/poll.runtime_pollWait",
        "sync.(*Mutex).unlockSlow*": "sync.(*Mutex).unlockSlow",
        "internal/sync.*": "internal/sync.fatal",
        "log.(*Logger).Fatal*": "log.(*Logger).Fatalf",
        "log.(*Logger).Panic*": "log.(*Logger).Panicln",
        "go.uber.org/zap*": "go.uber.org/zap.(*Logger).Panic",
        "github.com/sirupsen/logrus.*": "github.com/sirupsen/logrus.(*Entry).Panic",
        "github.com/rs/zerolog.*": "github.com/rs/zerolog.(*Logger).Panic.func1",
        "k8s.io/klog*": "k8s.io/klog/v2.(*loggingT).output",
        "k8s.io/apimachinery/pkg/util/runtime.*": "k8s.io/apimachinery/pkg/util/runtime.HandleCrash",
        "sync.(*Mutex)*": "sync.(*Mutex).Unlock",
        "sync.(*RWMutex)*": "sync.(*RWMutex).RUnlock",
        "Ref<*": "Ref<Resource>::unref()",
        "<Module>:runtime_invoke*": "<Module>:runtime_invoke_void (object,intptr,intptr,intptr)",
        "<anonymous>": "<anonymous>",
        "<lambda>": "<lambda>",
        "<genexpr>": "<genexpr>",
        "<listcomp>": "<listcomp>",
        "<module>": "<module>",
        "erlang:error/*": "erlang:error/1",
        "erlang:raise/*": "erlang:raise/3",
        "<std::panicking::*":
            "<std::panicking::begin_panic_handler::FormatStringPayload as core::panic::PanicPayload>::take_box",
        "<backtrace::*": "<backtrace::capture::Backtrace as core::default::Default>::default",
        "<std::sys::backtrace::*": "<std::sys::backtrace::BacktraceLock as core::ops::drop::Drop>::drop",
        "<<std::sys::backtrace::*":
            "<<std::sys::backtrace::BacktraceLock>::print::DisplayBacktrace as core::fmt::Display>::fmt",
        "<std::sys_common::backtrace::*":
            "<std::sys_common::backtrace::_print::DisplayBacktrace as core::fmt::Display>::fmt",
        "core::option::Option<T>::unwrap*": "core::option::Option<u32>::unwrap",
        "core::option::Option<T>::expect*": "core::option::Option<&str>::expect",
        "core::result::Result<T>::unwrap*": "core::result::Result<u32,alloc::string::String>::unwrap",
        "core::result::Result<T>::expect*": "core::result::Result<(),std::io::error::Error>::expect_err",
        "core::array::<T>::*": "core::array::<impl core::ops::index::Index<I> for [T; N]>::index",
        "alloc::string::<T>::*": "alloc::string::<impl core::ops::index::Index<I> for alloc::string::String>::index",
        "alloc::vec::<T>::*": "alloc::vec::<impl core::cmp::PartialEq<[U; N]> for alloc::vec::Vec<T>>::eq",
        "alloc::vec::Vec<T>::remove::assert_failed*": "alloc::vec::Vec<T,A>::remove::assert_failed",
        "alloc::vec::Vec<T>::swap_remove::assert_failed*": "alloc::vec::Vec<T,A>::swap_remove::assert_failed",
        "<core::fmt::*": "<core::fmt::Arguments as core::fmt::Display>::fmt",
        "<color_eyre::*": "<color_eyre::config::PanicHook as core::fmt::Debug>::fmt",
        "<usize as core::slice::index::SliceIndex*": "<usize as core::slice::index::SliceIndex<[T]>>::index",
        "<core::ops::range::*": "<core::ops::range::Range<usize> as core::slice::index::SliceIndex<[T]>>::index",
        "<core::ops::index_range::*":
            "<core::ops::index_range::IndexRange as core::slice::index::SliceIndex<[T]>>::index",
        "<I as core::slice::index::SliceIndex*": "<I as core::slice::index::SliceIndex<[T]>>::index",
        "<[T] as core::ops::index::Index*": "<[T] as core::ops::index::Index<I>>::index",
        "<alloc::vec::Vec<T> as core::ops::index::Index*": "<alloc::vec::Vec<T> as core::ops::index::Index<I>>::index",
        "<alloc::vec::Vec<T, A> as core::ops::index::Index*":
            "<alloc::vec::Vec<T,A> as core::ops::index::Index<I>>::index",
        "<str as core::ops::index::Index*":
            "<str as core::ops::index::Index<core::ops::range::RangeFrom<usize>>>::index",
        "<alloc::collections::vec_deque::VecDeque<T, A> as core::ops::index::Index*":
            "<alloc::collections::vec_deque::VecDeque<T,A> as core::ops::index::Index<usize>>::index",
        "<std::collections::hash::map::HashMap<K, V, S> as core::ops::index::Index*":
            "<std::collections::hash::map::HashMap<K,V,S> as core::ops::index::Index<&Q>>::index",
        "core::cell::RefCell<T>::*": "core::cell::RefCell<shop::Stock>::borrow_mut",
        "<alloc::*": "<alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once",
        "<core::*": "<core::panic::unwind_safe::AssertUnwindSafe<F> as core::ops::function::FnOnce<()>>::call_once",
        "<std::*": "<std::io::error::Error as core::fmt::Debug>::fmt",
        "$ss17_assertionFailure*": "$ss17_assertionFailure__4file4line5flagss5NeverOs12StaticStringV_SSAHSus6UInt32VtF",
        "$ss18_fatalErrorMessage*":
            "$ss18_fatalErrorMessage__4file4line5flagss5NeverOs12StaticStringV_A2HSus6UInt32VtF",
        "Swift runtime failure*": "Swift runtime failure: Index out of range",
        "FMallocBinned*::*OutOfMemory*": "FMallocBinned2::Private::OutOfMemory(unsigned long long, unsigned int)",
    ]

    private static let lists = [
        SignatureLists.irrelevant, SignatureLists.raisers, SignatureLists.panics, SignatureLists.prefix,
        SignatureLists.bottom, SignatureLists.notOfTheProgram,
    ]

    /// A name for a pattern: from the table, else the pattern itself if it is a plain name or the beginning of one.
    private static func example(_ pattern: String) -> String? {
        if let given = examples[pattern] { return given }
        let stem = pattern.hasSuffix("*") ? pattern.dropLast() : pattern[...]
        let isPlain = stem.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":")].contains(byte)
            }
        }
        guard isPlain else { return nil }
        return pattern.hasSuffix("*") ? String(stem) + "run" : pattern
    }

    @Test func everyPatternMatchesARealName() throws {
        for list in Self.lists {
            #expect(!list.patterns.isEmpty)
            for pattern in list.patterns {
                guard let name = Self.example(pattern) else {
                    Issue.record("add an example of '\(pattern)' to the table: a name as a stack has it")
                    continue
                }
                let normal = SignatureNames.normalise(name)
                #expect(NamePatterns([pattern]).matches(normal), "'\(pattern)' does not match '\(normal)'")
                #expect(list.matches(normal), "\(normal)")
            }
        }
    }

    @Test func theTableHasNoPatternThatIsGone() {
        let patterns = Set(Self.lists.flatMap(\.patterns))
        for pattern in Self.examples.keys { #expect(patterns.contains(pattern), "\(pattern)") }
    }

    /// Within such a pattern, a star after a parenthesis would be a wildcard, not Go's mark of a pointer.
    @Test func noPatternWithAnInnerStarNamesAPointer() {
        for pattern in Self.lists.flatMap(\.patterns) where pattern.contains("(*") {
            let bytes = Array(pattern.utf8)
            let stars = bytes.indices.filter { at in
                bytes[at] == UInt8(ascii: "*") && (at == 0 || bytes[at - 1] != UInt8(ascii: "("))
            }
            #expect(stars.allSatisfy { $0 == bytes.count - 1 }, "\(pattern)")
        }
    }

    @Test func aStarMatchesAnyTextWhereverItIs() {
        let patterns = NamePatterns([
            "absl::*LogMessage*", "a*::*b", "runtime.(*mheap)*", "sync.(*Mutex).unlock", "*tail",
        ])
        for name in [
            "absl::LogMessage", "absl::log_internal::LogMessage::Die", "a::b", "ax::y::b", "runtime.(*mheap).grow",
            "sync.(*Mutex).unlock", "tail", "a tail",
        ] { #expect(patterns.matches(name), "\(name)") }
        for name in [
            "absl::LogMessag", "xabsl::LogMessage", "a::bc", "a:b", "runtime.(mheap).grow", "runtime.(x*mheap)",
            "sync.(*RWMutex).unlock", "tails", "",
        ] { #expect(!patterns.matches(name), "\(name)") }
    }
}
