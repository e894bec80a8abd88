import CDemangle
import Glibc

/// Turns linker names into those a person wrote: C++ and Rust by libiberty, Swift by its runtime.
///
/// Runs only in the confined reader of dumps, because names come from files that nobody vouches for.
enum Demangler {
    /// Bytes of a mangled name; longer ones stay as they are, for the parsers recurse with the length of a name.
    static let longest = 4096
    /// Bytes of a readable name; a mangled one of a few hundred bytes can stand for gigabytes.
    static let longestText = 64 << 10

    /// The readable form, or the name itself when it is not mangled, is broken or is too long.
    static func demangle(_ name: String) -> String {
        let count = name.utf8.count
        guard count > 2, count <= longest else { return name }
        if name.hasPrefix("$s") || name.hasPrefix("$S") || name.hasPrefix("_$s") || name.hasPrefix("$e") {
            return swiftName(name) ?? name
        }
        // Rust before C++: its older names are valid C++ ones with a hash at their end.
        if name.hasPrefix("_R") { return text(of: name, salvage_demangle_rust) ?? name }
        let itanium = name.hasPrefix("__Z") ? String(name.dropFirst()) : name
        guard itanium.hasPrefix("_Z") else { return name }
        if let text = text(of: itanium, salvage_demangle_rust) ?? text(of: itanium, salvage_demangle_cxx) {
            return text
        }
        // LLVM's and GCC's clones carry the name of the function they were cut from, and not every suffix is understood.
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
