internal import CPCRE2

/// The result of a match attempt. Offsets are into the subject.
enum MatchOutcome: Equatable {
    case none
    case found(start: Int, end: Int)
    /// The match limit or PCRE2's stack was exhausted: the result is unknown.
    case gaveUp
}

/// Working memory for matching. One per thread.
final class Matcher {
    private let data: OpaquePointer
    private let context: OpaquePointer
    private let stack: OpaquePointer?

    /// Most steps of one attempt, which take some milliseconds. A pattern that needs more on one line is exponential,
    /// and would not finish on the next one either.
    static let matchLimit: UInt32 = 1_000_000

    init() throws(LogSearchError) {
        guard let data = pcre2_match_data_create_8(1, nil) else { throw Self.noMemory }
        guard let context = pcre2_match_context_create_8(nil) else {
            pcre2_match_data_free_8(data)
            throw Self.noMemory
        }
        self.data = data
        self.context = context
        stack = pcre2_jit_stack_create_8(32 << 10, 4 << 20, nil)
        pcre2_set_match_limit_8(context, Self.matchLimit)
        pcre2_set_heap_limit_8(context, 64 << 10)
        if let stack { pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack)) }
    }

    deinit {
        pcre2_match_data_free_8(data)
        pcre2_match_context_free_8(context)
        if let stack { pcre2_jit_stack_free_8(stack) }
    }

    private static var noMemory: LogSearchError {
        LogSearchError(code: .resources, message: "no memory for matching")
    }

    /// The leftmost match at or after `from`; look-behind sees the bytes before `from`.
    @inline(__always)
    func find(_ program: PatternProgram, in subject: UnsafeRawBufferPointer, from: Int) -> MatchOutcome {
        // PCRE2 needs a non-null pointer even for an empty subject.
        guard let base = subject.baseAddress else {
            var none: UInt8 = 0
            return withUnsafePointer(to: &none) { run(program, $0, 0, 0) }
        }
        return run(program, base.assumingMemoryBound(to: UInt8.self), subject.count, from)
    }

    /// The leftmost match that begins at `from` or after it, and at most at `limit`. Of a program for matches that span lines.
    func find(
        _ program: PatternProgram, in subject: UnsafeRawBufferPointer, from: Int, to limit: Int
    ) -> MatchOutcome {
        pcre2_set_offset_limit_8(context, limit)
        // PCRE2_UNSET, a cast that Swift does not import.
        defer { pcre2_set_offset_limit_8(context, ~0) }
        return find(program, in: subject, from: from)
    }

    @inline(__always)
    private func run(
        _ program: PatternProgram, _ base: UnsafePointer<UInt8>, _ count: Int, _ from: Int
    ) -> MatchOutcome {
        let result =
            program.isCompiledToMachineCode
            ? pcre2_jit_match_8(program.code, base, count, from, 0, data, context)
            : pcre2_match_8(program.code, base, count, from, 0, data, context)
        if result >= 0, let places = pcre2_get_ovector_pointer_8(data) {
            let start = places[0]
            // \K inside a look-ahead can put the start after the end.
            return .found(start: start, end: max(start, places[1]))
        }
        return result == PCRE2_ERROR_NOMATCH ? .none : .gaveUp
    }
}
