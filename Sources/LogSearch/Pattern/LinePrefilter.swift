internal import CHyperscan

/// A pattern for Hyperscan, which selects the lines that may match for PCRE2 to decide. Compiled on first use.
///
/// It only excludes lines. If Hyperscan is absent, cannot compile the pattern, or selects too many lines to be useful,
/// PCRE2 tries all lines. The lines found are the same either way.
final class PrefilterPattern: @unchecked Sendable {
    // Unchecked: written under the lock, and never changed once compiled.
    private let source: [UInt8]
    private let caseless: Bool
    private let lock = Lock()
    private var compiled: OpaquePointer?
    private var wasTried = false

    /// Returns nil when the pattern has a NUL byte.
    /// - Parameter source: the pattern given to PCRE2, which must not match the empty string.
    init?(_ source: [UInt8], caseless: Bool) {
        guard !source.contains(0) else { return nil }
        self.source = source + [0]
        self.caseless = caseless
    }

    deinit { salvage_hs_free(compiled) }

    /// Whether Hyperscan is compiled in and installed.
    static var isAvailable: Bool { salvage_hs_is_available() != 0 }

    /// The compiled pattern; nil when Hyperscan is absent or cannot compile it.
    func ready() -> OpaquePointer? {
        lock.held {
            if !wasTried {
                wasTried = true
                compiled = source.withUnsafeBytes {
                    $0.withMemoryRebound(to: CChar.self) {
                        $0.baseAddress.flatMap { salvage_hs_compile($0, caseless ? 1 : 0) }
                    }
                }
            }
            return compiled
        }
    }
}

/// One thread's use of a prefilter.
final class LinePrefilter {
    private let pattern: PrefilterPattern
    private let startsAfter: Int
    private var compiled: OpaquePointer?
    private var scratch: OpaquePointer?
    private var isUseless = false
    private var texts = 0
    private var pause = 0
    private var places = [UInt32](repeating: 0, count: capacity)

    /// Most candidate lines of one text; above that, PCRE2 alone is as fast.
    private static var capacity: Int { 256 }
    /// Number of texts left to PCRE2 after one with more candidates.
    private static var restingTexts: Int { 16 }

    /// - Parameter startsAfter: number of first texts left to PCRE2: for a few, compiling is not worthwhile.
    init(_ pattern: PrefilterPattern, startsAfter: Int) {
        self.pattern = pattern
        self.startsAfter = startsAfter
    }

    deinit { salvage_hs_free_scratch(scratch) }

    /// One offset in each line of a text that may match, ascending; nil when all lines must be tried.
    func lines(in text: UnsafeRawBufferPointer) -> ArraySlice<UInt32>? {
        texts += 1
        guard !isUseless, texts > startsAfter, let base = text.baseAddress else { return nil }
        if pause > 0 {
            pause -= 1
            return nil
        }
        guard let compiled = prepared(), let scratch else { return nil }
        let found = places.withUnsafeMutableBufferPointer { places in
            salvage_hs_lines(
                compiled, scratch, base.assumingMemoryBound(to: UInt8.self), text.count, places.baseAddress,
                places.count)
        }
        guard found >= 0, found <= places.count else {
            pause = Self.restingTexts
            return nil
        }
        return places[..<found]
    }

    private func prepared() -> OpaquePointer? {
        if let compiled { return compiled }
        compiled = pattern.ready()
        scratch = compiled.flatMap { salvage_hs_make_scratch($0) }
        isUseless = scratch == nil
        return compiled
    }
}
