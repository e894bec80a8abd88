internal import CHyperscan

/// A pattern as Hyperscan reads it: names the lines that may match, for PCRE2 to judge. Made when it is first wanted.
///
/// It only ever leaves out lines; where it is absent, does not understand the pattern, or finds too many lines to be
/// worth asking, PCRE2 looks at all of them. The lines found are the same either way.
final class PrefilterPattern: @unchecked Sendable {
    // Unchecked: written under the lock, and never changed once compiled.
    private let source: [UInt8]
    private let caseless: Bool
    private let lock = Lock()
    private var compiled: OpaquePointer?
    private var wasTried = false

    /// - Parameter source: the pattern given to PCRE2; nil where it may match the empty string or has a NUL byte.
    init?(_ source: [UInt8], caseless: Bool) {
        guard !source.contains(0) else { return nil }
        self.source = source + [0]
        self.caseless = caseless
    }

    deinit { salvage_hs_free(compiled) }

    /// Hyperscan was built in and is installed.
    static var isAvailable: Bool { salvage_hs_is_available() != 0 }

    /// The compiled pattern; nil where Hyperscan is absent or does not understand it.
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

/// One thread's asking of a prefilter.
final class LinePrefilter {
    private let pattern: PrefilterPattern
    private let startsAfter: Int
    private var compiled: OpaquePointer?
    private var scratch: OpaquePointer?
    private var isUseless = false
    private var texts = 0
    private var pause = 0
    private var places = [UInt32](repeating: 0, count: capacity)

    /// Lines of one text beyond which PCRE2 is as fast by itself.
    private static var capacity: Int { 256 }
    /// Texts that are left to PCRE2 after one with so many.
    private static var restingTexts: Int { 16 }

    /// - Parameter startsAfter: texts left to PCRE2 first: compiling is not worth its time for a few.
    init(_ pattern: PrefilterPattern, startsAfter: Int) {
        self.pattern = pattern
        self.startsAfter = startsAfter
    }

    deinit { salvage_hs_free_scratch(scratch) }

    /// One offset in each line of a text that may match, ascending; nil where all lines have to be looked at.
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
