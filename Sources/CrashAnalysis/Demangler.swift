import Glibc

/// Turns linker names into those a person wrote.
enum Demangler {
    private typealias CXX =
        @convention(c) (
            UnsafePointer<CChar>?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<Int>?,
            UnsafeMutablePointer<Int32>?
        ) -> UnsafeMutablePointer<CChar>?
    private typealias Swift =
        @convention(c) (
            UnsafePointer<CChar>?, Int, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<Int>?, UInt32
        ) -> UnsafeMutablePointer<CChar>?

    private static let cxx: CXX? = symbol("__cxa_demangle").map { unsafeBitCast($0, to: CXX.self) }
    private static let swift: Swift? = symbol("swift_demangle").map { unsafeBitCast($0, to: Swift.self) }

    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(nil, name) }

    /// Longer names come from hostile files; demangling them could take very long.
    static let longest = 4096

    /// The readable form, or the name itself when it is not mangled or the demangler is absent.
    static func demangle(_ name: String) -> String {
        guard name.utf8.count <= longest else { return name }
        if name.hasPrefix("_R") { return RustDemangler.demangle(name) ?? name }
        if name.hasPrefix("$s") || name.hasPrefix("$S") || name.hasPrefix("_$s") || name.hasPrefix("$e") {
            return swiftName(name) ?? name
        }
        guard name.hasPrefix("_Z") || name.hasPrefix("__Z") else { return name }
        // GCC's clones keep the name of the function they were cut from.
        let parts = name.split(separator: "." as Character, maxSplits: 1).map(String.init)
        guard let base = parts.first, let text = cxxName(name) ?? cxxName(base) else { return name }
        return RustDemangler.legacy(text) ?? text
    }

    private static func cxxName(_ name: String) -> String? {
        guard let cxx else { return nil }
        var status: Int32 = 0
        guard let text = name.withCString({ cxx($0, nil, nil, &status) }) else { return nil }
        defer { free(text) }
        return status == 0 ? String(cString: text) : nil
    }

    private static func swiftName(_ name: String) -> String? {
        guard let swift else { return nil }
        guard let text = name.withCString({ swift($0, name.utf8.count, nil, nil, 0) }) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }
}
