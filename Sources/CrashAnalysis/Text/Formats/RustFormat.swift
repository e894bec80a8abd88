import Model

extension TextReportFormat {
    static let rust = TextReportFormat(
        name: "rust",
        anchors: [
            Anchor(3, "panicked at "), Anchor(4, "has overflowed its stack"),
        ],
        voice: .logger, start: .before("thread '"), ending: .saysItself, lead: .word, runtime: .rust,
        parse: TextRust.parse)
}

extension TextReportFormat {
    /// Reports of Rust's runtime and of the panic handlers of well-known crates.
    static let rustRuntime = TextReportFormat(
        name: "rust",
        anchors: [
            Anchor(146, "The application panicked (crashed)."), Anchor(147, "memory allocation of "),
            Anchor(148, "fatal runtime error: "), Anchor(149, "had a problem and crashed. To help us diagnose"),
            Anchor(160, "thread caused non-unwinding panic."), Anchor(161, "thread panicked while processing panic."),
        ],
        start: .afterPrefix, ending: .ended, lead: .word, parse: TextRust.parseRuntime)
}

/// Rust: `thread 'x' (17) panicked at file:l:c:` with the message on the next line, or the older one-line form.
enum TextRust {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard lines.voice.isRawOrBad, let name = head.between("thread '", "'"), head.hasPrefix("thread '") else {
            return nil
        }
        var record = CrashRecord(kind: "rust")
        record.threadName = name
        record.exception = "panic"
        let behind = head.dropFirst("thread '".count + name.count + 1).trimmed
        if behind.hasPrefix("("), let id = behind.dropFirst().leadingNumber { record.thread = id }
        if head.contains("has overflowed its stack") {
            record.message = "stack overflow"
            record.signal = "SIGABRT"
            let more = lines.next(from: lines.at + 1, gap: 1, { $0.hasPrefix("fatal runtime error: ") ? true : nil })
            // After a logger's head, words without a stack may be anyone's.
            return TextReport(
                record: record, fate: lines.voice.isRaw ? .died : .unsaid, first: lines.at,
                end: more?.after ?? lines.at + 1)
        }
        guard let rest = behind.after("panicked at "), behind.hasPrefix("panicked at ") || behind.hasPrefix("("),
            let told = place(rest, lines, into: &record)
        else { return nil }
        let trace = stack(lines, from: told.after, place: told, into: &record)
        let end = trace
        let abort = abort(lines, from: end)
        if abort != nil { record.signal = "SIGABRT" }
        let isInCleanup = record.message?.hasPrefix("panic in a ") == true
        let isBare = !lines.voice.isRaw && !record.frames.contains { $0.function != nil }
        var fate = name == "main" || name == "<main>" || abort != nil ? TextReport.Fate.died : .unsaid
        // After a logger's head, words without a stack may be anyone's, unless the panic hook logged them.
        if isBare, abort == nil { fate = fate == .died && isHooks(lines) ? .likelyDied : .unsaid }
        var report = TextReport(record: record, fate: fate, first: lines.at, end: abort ?? end)
        // A destructor panicked while the first panic unwound: the same death.
        report.continues = isInCleanup && told.isRuntimes
        return report
    }

    /// True for a line of `log_panics`: `ERROR panic: thread …`, `[ERROR panic] thread …`.
    private static func isHooks(_ lines: ReportLines) -> Bool {
        guard let lead = lines.window.text(lines.at).before("thread '")?.trimmed else { return false }
        return lead.hasSuffix("panic:") || lead.hasSuffix("panic]") || lead.hasSuffix("log_panics:")
    }

    private static let abortReach = 300

    /// One past the words with which a second panic ends the process; nil if the program logs before them.
    private static func abort(_ lines: ReportLines, from end: Int) -> Int? {
        let words = ["thread caused non-unwinding panic.", "thread panicked while processing panic."]
        for at in end..<max(end, min(lines.count, end + abortReach)) {
            let text = lines[at]
            if text.hasPrefix(anyOf: words) { return at + 1 }
            if isTrace(text) { continue }
            if lines.head(at).isLogged { return nil }
        }
        return nil
    }

    /// True for a line of a panic's own message or stack.
    private static func isTrace(_ line: String) -> Bool {
        let text = line.trimmed
        return text.hasPrefix(anyOf: ["panic in a ", "thread '", "stack backtrace:", "at ", "note: "])
            || numbered(line, nil) != nil
    }

    private struct Place {
        var file: String
        var line: Int?
        /// One past the last line read.
        var after: Int
        /// True for a place in the compiler's own library.
        var isRuntimes: Bool { file.hasPrefix("/rustc/") || file.hasPrefix("core/src/") || isLibrarys }
        /// True for a place in that library without its compiler's hash.
        var isLibrarys: Bool {
            [
                "library/core/src/", "library/std/src/", "library/alloc/src/", "src/libcore/", "src/libstd/",
                "src/liballoc/",
            ].contains { file.find($0) != nil }
        }
    }

    /// Reads the place of the panic, and its message into the record.
    private static func place(_ rest: String, _ lines: ReportLines, into record: inout CrashRecord) -> Place? {
        var after = lines.at + 1
        var found: (file: String, line: Int?)?
        // Messages of the older form may span several lines; loggers write `': file`.
        var text = rest
        if rest.hasPrefix("'") {
            while text.findLast("', ") == nil, text.findLast("': ") == nil, after < lines.at + 9, after < lines.count {
                text += "\n" + lines[after]
                after += 1
            }
            guard let cut = text.findLast("', ") ?? text.findLast("': ") else { return nil }
            record.message = String(text[text.index(after: text.startIndex)..<cut.lowerBound])
            found = text[cut.upperBound...].prefix { $0 != "{" && $0 != "\n" }.trimmed.fileAndLine
        } else if rest.trimmed.hasSuffix(":") {
            found = rest.trimmed.dropLast().fileAndLine
            record.message = lines[after].trimmed
            after += 1
        } else if let cut = rest.findLast(": "), rest[..<cut.lowerBound].fileAndLine.line != nil {
            // On one line, as some loggers write it.
            found = rest[..<cut.lowerBound].fileAndLine
            record.message = rest[cut.upperBound...].trimmed
        }
        guard let found, found.line != nil else { return nil }
        return Place(file: found.file, line: found.line, after: after)
    }

    private static func stack(
        _ lines: ReportLines, from start: Int, place: Place, into record: inout CrashRecord
    ) -> Int {
        var end = start
        // A message may span several lines.
        let next = lines.next(
            from: start, gap: 16,
            { line -> Bool? in
                if line.hasPrefix("stack backtrace:") { return true }
                return line.hasPrefix("note: ") || line.hasPrefix("thread '") ? false : nil
            })
        if let next, next.found {
            end = backtrace(lines, from: next.after, into: &record)
        } else if let next, lines[next.after - 1].hasPrefix("note: ") {
            end = next.after
        } else if numbered(lines[start], 0) != nil {
            end = backtrace(lines, from: start, into: &record)
        }
        // A place in the library says nothing about its caller.
        if record.frames.isEmpty, !place.isLibrarys || place.file.hasPrefix("/rustc/") {
            record.frames = [.printed(0, function: nil, file: place.file, line: place.line)]
        }
        return end
    }

    private static func backtrace(
        _ lines: ReportLines, from start: Int, gap: Int = ReportLines.gap, into record: inout CrashRecord
    ) -> Int {
        var at = start
        var number: Int?
        while record.frames.count < ReportLines.frameLimit {
            guard let found = lines.next(from: at, gap: gap, { numbered($0, number) }) else { break }
            var frame = CrashFrame.printed(record.frames.count, function: found.found.name)
            frame.address = found.found.address.map(Address.init)
            number = found.found.number &+ 1
            at = found.after
            if let place = lines.next(from: at, gap: 0, { atPlace($0) }) {
                frame.file = place.found.file
                frame.line = place.found.line
                at = place.after
            }
            record.frames.append(frame)
        }
        while lines[at].hasPrefix("note: ") { at += 1 }
        return at
    }

    /// `   3: name` or `   3:     0x55… - name`, with any number if `wanted` is nil.
    private static func numbered(_ line: String, _ wanted: Int?) -> (number: Int, name: String?, address: UInt64?)? {
        let text = line.trimmed
        guard let number = text.leadingNumber, wanted == nil || wanted == number,
            let colon = text.find(": "), text[..<colon.lowerBound].allSatisfy(\.isNumber)
        else { return nil }
        var rest = text[colon.upperBound...].trimmed
        var address: UInt64?
        if rest.hasPrefix("0x"), let name = rest.after(" - ") {
            address = rest.leadingHex
            rest = name.trimmed
        }
        if rest == "<unknown>" || rest == "<unresolved>" || rest == "<no info>" { return (number, nil, address) }
        return (number, rest, address)
    }

    private static func atPlace(_ line: String) -> (file: String, line: Int?)? {
        let text = line.trimmed
        return text.hasPrefix("at ") ? text.dropFirst(3).fileAndLine : nil
    }

    // MARK: Reports of the runtime and of handlers

    static func parseRuntime(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        var record = CrashRecord(kind: "rust")
        record.signal = "SIGABRT"
        var end = lines.at + 1
        var first = lines.at
        var continues = false
        if text.hasPrefix("The application panicked (crashed).") {
            record.signal = nil
            end = parseApplication(lines, into: &record)
        } else if text.hasPrefix("memory allocation of "), text.trimmed.hasSuffix(" bytes failed") {
            record.exception = "out of memory"
            record.message = text.trimmed
        } else if let words = text.after("fatal runtime error: "), text.hasPrefix("fatal runtime error: ") {
            record.exception = "fatal runtime error"
            record.message = (words.before(", aborting") ?? words).trimmed
        } else if text.hasPrefix("thread caused non-unwinding panic.")
            || text.hasPrefix("thread panicked while processing panic.")
        {
            record.exception = "panic"
            record.message = text.trimmed
            continues = true
        } else if text.find("had a problem and crashed. To help us diagnose") != nil, lines.at > 0 {
            guard
                let head = (max(0, lines.at - 3)..<lines.at).first(where: {
                    lines[$0].hasPrefix("Well, this is embarr")
                })
            else { return nil }
            record.signal = nil
            record.exception = "panic"
            record.message = lines.window.text(lines.at).before(" had a problem").map {
                $0 + " had a problem and crashed"
            }
            if let file = lines.next(from: end, gap: 4, { $0.between("report file at \"", "\"") }) {
                record.notes.append("reported in " + String(file.found.prefix(300)))
                end = file.after
            }
            first = head
        } else {
            return nil
        }
        var report = TextReport(record: record, fate: .died, first: first, end: end)
        report.continues = continues
        if text.hasPrefix("The application panicked") { report.fate = .likelyDied }
        return report
    }

    /// color-eyre: `Message:  …`, `Location: file:line`, and frames below `BACKTRACE`.
    private static func parseApplication(_ lines: ReportLines, into record: inout CrashRecord) -> Int {
        record.exception = "panic"
        var at = lines.at + 1
        var place: (file: String, line: Int?)?
        while at < min(lines.count, lines.at + 8) {
            let text = lines[at]
            if text.hasPrefix("Message:") { record.message = text.after("Message:")?.trimmed }
            if text.hasPrefix("Location:") { place = text.after("Location:")?.trimmed.fileAndLine }
            if text.contains("BACKTRACE"), !text.hasPrefix("Backtrace omitted") { break }
            at += 1
        }
        var end = at
        if lines[at].contains("BACKTRACE") { end = backtrace(lines, from: at + 1, into: &record) }
        if record.frames.isEmpty, let place, place.line != nil {
            record.frames = [.printed(0, function: nil, file: place.file, line: place.line)]
            end = min(lines.count, lines.at + 3)
        }
        return max(end, lines.at + 1)
    }
}

extension RuntimeNames {
    /// Rust, before and after `__rustc`, and its index checks, which panic because of an error in their caller.
    static let rust = RuntimeNames(
        machinery: [
            "__rustc::*", "rust_begin_unwind", "rust_panic*", "rust_eh_personality*", "core::panicking::*",
            "std::panicking::*", "<std::panicking::*", "std::panic::*", "core::panic::*", "std::process::abort*",
            "std::process::exit*", "std::sys::pal::*", "std::sys::unix::abort*", "std::sys::unix::stack_overflow*",
            "std::sys::exit_guard*", "std::rt::abort*", "std::backtrace*", "std::backtrace_rs::*", "backtrace::*",
            "<backtrace::*", "std::sys_common::backtrace::*", "std::sys::backtrace::*", "<std::sys::backtrace::*",
            "<<std::sys::backtrace::*", "<std::sys_common::backtrace::*", "core::result::unwrap_failed*",
            "core::option::expect_failed*", "core::option::unwrap_failed*", "core::option::Option<T>::unwrap*",
            "core::option::Option<T>::expect*", "core::result::Result<T>::unwrap*", "core::result::Result<T>::expect*",
            "core::cell::panic_already*", "core::str::slice_error_fail*", "core::slice::index::*",
            "core::str::traits::*", "core::array::<T>::*", "alloc::string::<T>::*", "alloc::vec::<T>::*",
            "core::slice::copy_from_slice_impl*", "alloc::vec::Vec<T>::remove::assert_failed*",
            "alloc::vec::Vec<T>::swap_remove::assert_failed*", "alloc::alloc::handle_alloc_error*", "alloc::raw_vec::*",
            "core::ops::function::*", "core::fmt::*", "<core::fmt::*", "std::io::default_write_fmt*",
            "std::io::Write::write_fmt*", "std::alloc::*", "alloc::alloc::*", "__rust_*", "__rg_*", "__rdl_*",
            "color_eyre::*", "<color_eyre::*", "color_backtrace::*", "human_panic::*", "sentry_backtrace::*",
            "sentry_panic::*", "anyhow::error::*", "eyre::*", "std::sys::thread_local::*", "log_panics::*",
            "<usize as core::slice::index::SliceIndex*", "<core::ops::range::*", "<core::ops::index_range::*",
            "<I as core::slice::index::SliceIndex*", "<[T] as core::ops::index::Index*",
            "<alloc::vec::Vec<T> as core::ops::index::Index*", "<alloc::vec::Vec<T, A> as core::ops::index::Index*",
            "<str as core::ops::index::Index*",
            "<alloc::collections::vec_deque::VecDeque<T, A> as core::ops::index::Index*",
            "<std::collections::hash::map::HashMap<K, V, S> as core::ops::index::Index*", "core::num::*",
            "core::cell::RefCell<T>::*",
        ],
        raisers: [
            "__rustc::rust_begin_unwind", "rust_begin_unwind", "core::panicking::*", "std::panicking::begin_panic*",
            "std::panicking::rust_panic*", "std::panicking::panic_handler*", "std::panicking::panic_with_hook*",
        ],
        libraries: ["core::*", "alloc::*", "<alloc::*", "<core::*", "<std::*"],
        starters: [
            "std::rt::lang_start*", "std::sys::backtrace::__rust_begin_short_backtrace*",
            "std::sys_common::backtrace::__rust_begin_short_backtrace*",
        ],
        panics: [
            "core::panicking::*", "std::panicking::*", "rust_begin_unwind", "__rustc::rust_begin_unwind", "rust_panic*",
            "__rustc::rust_panic*",
        ])
}
