import CDemangle
import Glibc

/// Demangles symbol names: C++ and Rust by libiberty, Swift by its runtime.
///
/// Runs only in the confined child that reads dumps, because names come from untrusted files.
enum Demangler {
    /// The most bytes of a mangled name; longer ones stay as they are, because the parsers recurse with the length of a
    /// name.
    static let longest = 4096
    /// The most bytes of a demangled name; a mangled name of a few hundred bytes can expand to gigabytes.
    static let longestText = 64 << 10

    /// Returns the demangled name, or `name` itself when it is not mangled, is malformed or is too long.
    static func demangle(_ name: String) -> String {
        let count = name.utf8.count
        guard count > 2, count <= longest else { return name }
        if name.hasPrefix("$s") || name.hasPrefix("$S") || name.hasPrefix("_$s") || name.hasPrefix("$e") {
            return swiftName(name) ?? name
        }
        // Rust before C++: older Rust names are valid C++ names with a hash at the end.
        if name.hasPrefix("_R") { return text(of: name, salvage_demangle_rust) ?? name }
        let itanium = name.hasPrefix("__Z") ? String(name.dropFirst()) : name
        guard itanium.hasPrefix("_Z") else { return name }
        if let text = text(of: itanium, salvage_demangle_rust) ?? text(of: itanium, salvage_demangle_cxx) {
            return text
        }
        // LLVM and GCC name a clone after its function, with a suffix that libiberty does not always know.
        guard let dot = itanium.firstIndex(of: ".") else { return name }
        return text(of: String(itanium[..<dot]), salvage_demangle_cxx) ?? name
    }

    private typealias Function = (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>, Int) -> Int

    private static func text(of name: String, _ function: Function) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: longestText) { room in
            guard let base = room.baseAddress else { return nil }
            let count = name.withCString { function($0, base, room.count) }
            guard count > 0, count <= room.count else { return nil }
            return String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self)
        }
    }

    private static func swiftName(_ name: String) -> String? {
        guard let text = name.withCString({ swift_demangle($0, name.utf8.count, nil, nil, 0) }) else { return nil }
        defer { free(text) }
        return strnlen(text, longestText + 1) > longestText ? nil : String(cString: text)
    }
}
