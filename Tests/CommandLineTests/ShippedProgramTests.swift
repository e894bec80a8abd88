import Foundation
import Testing

/// What only the release program does differently: `docs/robustness.md` names each difference and its test.
@Suite(.serialized) struct ShippedProgramTests {
    /// A stack of functions under mangled names, each calling the next; the last one reads a null pointer.
    private static func chain(of names: [String]) -> String {
        var source = "volatile int sink; int *volatile nothing;\n"
        for index in names.indices {
            // In quotes, for the assembler takes a dollar for a number otherwise.
            let label = names[index].hasPrefix("$") ? "\\\"\(names[index])\\\"" : names[index]
            source += "int f\(index)(int n) __asm__(\"\(label)\");\n"
        }
        for index in names.indices.reversed() {
            let call = index + 1 < names.count ? "f\(index + 1)(n + 1)" : "*nothing"
            source += "__attribute__((noinline)) int f\(index)(int n) { int r = \(call); sink += r; return r + n; }\n"
        }
        return source + "int main(void) { return f0(1); }\n"
    }

    /// Compiles a program, lets it crash, and returns the crash that `analyze` prints.
    private static func crash(of source: String, compiler: String, in scratch: Scratch) throws -> [String: Any] {
        let file = compiler == "g++" ? "server.cc" : "server.c"
        try source.write(toFile: scratch.path(file), atomically: true, encoding: .utf8)
        let built = try shell(
            """
            cd \(scratch.path("")) && \(compiler) -g -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-inline \
            -Wl,--build-id=sha1 -o server \(file) && ulimit -c unlimited && { ./server; mv core* crash.dump; }
            """)
        try #require(FileManager.default.fileExists(atPath: scratch.path("crash.dump")), "\(built.out)")
        let outcome = try Program.run(
            ["analyze", "--json", "--symbols", scratch.path("server"), scratch.path("crash.dump")])
        return try #require(outcome.objects.first, "\(outcome.out)\(outcome.err)")
    }

    private static func functions(_ crash: [String: Any]) -> [String] {
        (crash["frames"] as? [[String: Any]] ?? []).compactMap { $0["function"] as? String }
    }

    @Test(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"))
    func mangledNamesOfEachLanguageAreReadable() throws {
        let wanted = [
            ("_RNvNtCs1234_7mycrate5world4tick", "mycrate::world::tick"),
            ("_RINvMs_NtCs1234_7mycrate5worldNtB5_5World4stepjE", "<mycrate::world::World>::step::<usize>"),
            ("_ZN7mycrate4load17h0123456789abcdefE", "mycrate::load"),
            ("$s4game4tickyyF", "game.tick() -> ()"),
            ("_ZN4game5WorldIfE4tickEi", "game::World<float>::tick(int)"),
            ("_ZNK4game5World5eraseEPKcj.cold", "game::World::erase(char const*, unsigned int) const [clone .cold]"),
            ("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back(int const&)"),
        ]
        // Without lines, which carry names of their own: the symbol table alone must do.
        let scratch = try Scratch()
        let source = Self.chain(of: wanted.map(\.0))
        let crash = try Self.crash(of: source, compiler: "gcc", in: scratch)
        #expect(Self.functions(crash).prefix(wanted.count) == wanted.map(\.1).reversed()[...])
        let signature = crash["signature"] as? String ?? ""
        #expect(signature.hasPrefix("std::vector<T>::push_back"), "\(signature)")
        #expect(!signature.contains("_Z") && !signature.contains("_R"), "\(signature)")
    }

    @Test(.enabled(if: CrashStage.possible && CrashStage.has("g++"), "no g++, or core dumps go elsewhere"))
    func aStackOfCxxHasItsNamespaceItsTemplateAndItsLambda() throws {
        let source = """
            #include <vector>
            namespace horde {
            struct Zombie { int distance; int *prey; };
            template <typename Monster> struct Wave {
                std::vector<Monster> monsters{4};
                template <typename Action> __attribute__((noinline)) void each(Action action) {
                    for (auto &monster : monsters) action(monster);
                }
                __attribute__((noinline)) int advance(int step) {
                    int bitten = 0;
                    each([&](Monster &monster) __attribute__((noinline)) {
                        monster.distance += step;
                        bitten += *monster.prey;
                    });
                    return bitten;
                }
            };
            }
            int main() { horde::Wave<horde::Zombie> wave; return wave.advance(3); }
            """
        let crash = try Self.crash(of: source, compiler: "g++", in: try Scratch())
        let names = Self.functions(crash)
        #expect(
            names.first
                == "horde::Wave<horde::Zombie>::advance(int)::{lambda(horde::Zombie&)#1}::operator()(horde::Zombie&) const"
        )
        #expect(names.contains { $0.hasPrefix("horde::Wave<horde::Zombie>::advance") && !$0.contains("lambda") })
        #expect(names.allSatisfy { !$0.hasPrefix("_Z") }, "\(names)")
        #expect(
            (crash["signature"] as? String)?.contains("horde::Wave<T>::advance") == true, "\(crash["signature"] ?? "")")
    }

    /// Runs the program where a shared library is an empty file, in a mount namespace of its own.
    private static func run(without library: String, _ arguments: String) throws -> (status: Int32, out: String)? {
        guard getuid() == 0 else { return nil }
        let found = try shell("ls -d /usr/lib/*/\(library) 2>/dev/null").out.split(separator: "\n")
        guard let path = found.first else { return nil }
        return try shell(
            """
            unshare -m sh -c 'mount --bind /dev/null "$(readlink -f \(path))" && exec \(Program.salvage.path) \(arguments)' \
            2>&1
            """)
    }

    @Test func withoutISALTheSameMembersComeFromZlib() throws {
        let scratch = try Scratch()
        try shell(
            """
            mkdir -p \(scratch.path("Saved/Logs")) && cd \(scratch.path("Saved")) && seq 200000 >Logs/a.log \
            && head -c 300000 /dev/urandom >b.bin && tar czf ../saved.tar.gz .
            """)
        let members: (String) throws -> [String] = { store in
            try Program.run(["files", "x", "--json", "--store", scratch.path(store)]).objects.map {
                "\($0["path"] ?? "") \($0["sha256"] ?? "") \($0["size"] ?? "")"
            }
        }
        let archive = scratch.path("saved.tar.gz")
        #expect(try Program.run(["ingest", "--store", scratch.path("with"), "--session", "x", archive]).status == 0)
        let arguments = "ingest --store \(scratch.path("without")) --session x \(archive)"
        guard let plain = try Self.run(without: "libisal.so.2", arguments) else {
            print("skipped: not root, or no libisal.so.2 to be left out")
            return
        }
        #expect(plain.status == 0, "\(plain.out)")
        #expect(try members("without") == members("with") && members("with").count > 2)
    }

    @Test func withoutHyperscanTheSameLinesAreFound() throws {
        let scratch = try Scratch()
        try shell("seq -f 'a line of the log, %.3f ms' 50000 >\(scratch.path("server.log"))")
        let store = scratch.path("store")
        #expect(
            try Program.run(["ingest", "--store", store, "--session", "x", scratch.path("server.log")]).status == 0)
        let pattern = "[0-9]{3}7[.]0+"
        let with = try Program.run(["grep", "--store", store, pattern])
        #expect(with.status == 0 && with.out.split(separator: "\n").count > 100)
        guard let plain = try Self.run(without: "libhs.so.5", "grep --store \(store) \"\(pattern)\"") else {
            print("skipped: not root, or no libhs.so.5 to be left out")
            return
        }
        #expect(plain.status == 0 && plain.out == with.out)
    }

    /// Every place where the two builds can differ is in this list, and `docs/robustness.md` says what covers it.
    @Test func noDifferenceBetweenReleaseAndDebugIsUnnamed() throws {
        let sources = Program.package.appendingPathComponent("Sources").path
        let found = try shell(
            """
            cd \(sources) && grep -rlE 'dlopen *\\(|dlsym *\\(|#if (!)?DEBUG|_isDebugAssertConfiguration|NDEBUG' . | sort
            """)
        #expect(
            found.out.split(separator: "\n") == ["./CHyperscan/hyperscan.c", "./CISAL/isal.c"],
            "a new place that asks for names at run time, or that only one build has")
        let linked = try shell("ls \(sources)/salvage/static").out.split(separator: "\n")
        #expect(linked == ["libdw.so", "libelf.so", "libsqlite3.so", "libstdc++.so", "libz.so"])
        let manifest = try String(contentsOf: Program.package.appendingPathComponent("Package.swift"), encoding: .utf8)
        #expect(manifest.components(separatedBy: "configuration: .release").count == 2)
        let documented = try String(
            contentsOf: Program.package.appendingPathComponent("docs/robustness.md"), encoding: .utf8)
        for test in [
            "mangledNamesOfEachLanguageAreReadable", "withoutISALTheSameMembersComeFromZlib",
            "withoutHyperscanTheSameLinesAreFound",
        ] { #expect(documented.contains(test)) }
    }

    /// The program under test has the release's own properties where `scripts/test` says that it is the release.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SALVAGE_BIN"] != nil, "SALVAGE_BIN is not set"))
    func theProgramUnderTestIsTheReleaseProgram() throws {
        let headers = try shell("readelf -hdW \(Program.salvage.path)").out
        #expect(headers.contains("EXEC (Executable file)"), "linked at a fixed address")
        for library in ["libstdc++", "libswiftCore", "libFoundation", "libsqlite3", "libdw", "libz.so"] {
            #expect(!headers.contains("Shared library: [\(library)"), "\(library) is linked in")
        }
        let names = try shell("nm -D --defined-only \(Program.salvage.path) | grep -c swift_demangle").out
        #expect(names.trimmingCharacters(in: .whitespacesAndNewlines) == "0", "no exported names")
    }
}
