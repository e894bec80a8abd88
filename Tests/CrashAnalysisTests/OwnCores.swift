import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// Cores of programs that the tests compile and let crash.
enum OwnCores {
    static let source = #"""
        #include <assert.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        #include <stdexcept>
        struct Entity {
            int hp;
            __attribute__((noinline)) int damage(int by);
            inline __attribute__((always_inline)) int hit(int by) { hp -= by; return hp; }
        };
        volatile int sink;
        __attribute__((noinline)) int apply(Entity *entity, int by) { int left = entity->hit(by); sink = left; return left + 1; }
        int Entity::damage(int by) { int r = apply(this, by); sink = r; return r + 1; }
        static const char *mode = "null";
        static void bad(void *p) { free(p); sink = 1; }
        template <class T> __attribute__((noinline)) int tick(T *entity, int depth) {
            if (depth > 0) { int r = tick(entity, depth - 1); sink = r; return r + depth; }
            if (!strcmp(mode, "null")) { int r = entity->damage(3); sink = r; return r; }
            if (!strcmp(mode, "abort")) abort();
            if (!strcmp(mode, "throw")) throw std::runtime_error("no map");
            if (!strcmp(mode, "assert")) __assert_fail("zero != 0", "game.cc", 30, "tick");
            if (!strcmp(mode, "call")) { int (*f)(int) = nullptr; asm volatile("" : "+r"(f)); int r = f(3); sink = r; return r; }
            if (!strcmp(mode, "fpe")) { volatile int a = 1, b = 0; sink = a / b; }
            if (!strcmp(mode, "free")) { char *p = (char *)malloc(64); asm volatile("" : "+r"(p)); bad(p + 8); }
            return 0;
        }
        static void handler(int number) { sink = number; volatile int *p = nullptr; *p = 1; }
        static void *idle(void *) { for (;;) sleep(100); }
        static void *gameThread(void *argument) {
            pthread_setname_np(pthread_self(), "GameThread");
            if (!strcmp(mode, "handler")) { signal(SIGUSR1, handler); raise(SIGUSR1); }
            int r = tick((Entity *)argument, 6);
            sink = r;
            return nullptr;
        }
        __attribute__((noinline)) int recurse(int n) { volatile char pad[200]; pad[0] = n; int r = recurse(n + 1) + pad[0]; sink = r; return r; }
        int main(int argc, char **argv) {
            if (argc > 1) mode = argv[1];
            FILE *filter = argc > 2 ? fopen("/proc/self/coredump_filter", "w") : nullptr;
            if (filter) { fputs(argv[2], filter); fclose(filter); }
            if (!strcmp(mode, "recurse")) return recurse(0);
            pthread_t t;
            for (int i = 0; i < 3; i++) pthread_create(&t, nullptr, idle, nullptr);
            usleep(20000);
            pthread_create(&t, nullptr, gameThread, nullptr);
            pthread_join(t, nullptr);
            return 0;
        }
        """#

    static let folder: String = {
        let path = NSTemporaryDirectory() + "salvage-cores-\(getpid())"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try? source.write(toFile: path + "/game.cc", atomically: true, encoding: .utf8)
        return path
    }()

    @discardableResult
    static func run(_ command: String, in folder: String = folder) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return "" }
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }

    /// True when programs can be compiled here and leave their cores in their working folder.
    static let possible: Bool = {
        let pattern = (try? String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8)) ?? ""
        guard pattern.hasPrefix("core") else { return false }
        run("g++ -g -O2 -Wl,--build-id -pthread -o game game.cc && cp game stripped && strip stripped")
        run("g++ -g -O2 -fno-omit-frame-pointer -Wl,--build-id -pthread -o gamefp game.cc")
        return FileManager.default.fileExists(atPath: folder + "/stripped") && core("game", "null") != nil
    }()

    static let hasDebugger: Bool = !run("command -v gdb").isEmpty

    /// Path of the core that a program leaves in a mode.
    static func core(_ program: String, _ mode: String, filter: String = "") -> String? {
        let target = folder + "/\(program).\(mode)\(filter).core"
        if FileManager.default.fileExists(atPath: target) { return target }
        let work = folder + "/run-\(program)-\(mode)\(filter)"
        try? FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        run("ulimit -c unlimited; ../\(program) \(mode) \(filter) >/dev/null 2>&1", in: work)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: work)) ?? []
        guard let name = names.first(where: { $0.hasPrefix("core") }) else { return nil }
        try? FileManager.default.moveItem(atPath: work + "/" + name, toPath: target)
        return target
    }

    /// A store with a program and the system's libraries, and their debug files where they are installed.
    static func store(_ program: String) throws -> SymbolStore {
        let store = SymbolStore(root: folder + "/symbols-" + program)
        _ = try store.add(path: folder + "/" + program)
        let libraries = run("ldd game | grep -o '/[^ ]*' | xargs -n1 readlink -f").split(separator: "\n")
        for library in libraries { _ = try store.add(path: String(library)) }
        for entry in try store.list() where entry.kind == .executable {
            let name = entry.identity.prefix(2) + "/" + entry.identity.dropFirst(2) + ".debug"
            let debug = "/usr/lib/debug/.build-id/" + name
            if FileManager.default.fileExists(atPath: debug) { _ = try store.add(path: debug) }
        }
        return store
    }

    static func analyze(_ core: String, _ store: SymbolStore?) throws -> CrashRecord {
        let records = CrashAnalyzer(symbols: store).analyze(source: try FileByteSource(path: core), name: "core")
        return try #require(records.first)
    }

    /// Frames as gdb prints them: address (nil for the innermost line of an inlined call) and function.
    static func gdb(_ program: String, _ core: String) -> [(address: UInt64?, function: String)] {
        let text = run(
            "gdb -nx -batch -ex 'set width 0' -ex 'set debuginfod enabled off' -ex 'echo BT\\n' -ex bt ./\(program) \(core)"
        )
        var frames: [(UInt64?, String)] = []
        for line in text.components(separatedBy: "BT\n").last?.split(separator: "\n") ?? [] where line.first == "#" {
            guard let parsed = line.range(of: "^#[0-9]+ +(0x[0-9a-f]+ in )?", options: .regularExpression) else {
                continue
            }
            let head = line[parsed]
            let rest = line[parsed.upperBound...]
            let address = head.range(of: "0x[0-9a-f]+", options: .regularExpression).flatMap {
                UInt64(head[$0].dropFirst(2), radix: 16)
            }
            let function = rest.components(separatedBy: " (").first ?? ""
            frames.append((address, function.hasPrefix("<signal") ? "<signal handler called>" : function))
        }
        return frames
    }

    /// The core's mappings according to gdb.
    static func gdbMappings(_ program: String, _ core: String) -> [(range: Range<UInt64>, file: String)] {
        let text = run("gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'info proc mappings' ./\(program) \(core)")
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 5, words[0].hasPrefix("0x"), let start = UInt64(words[0].dropFirst(2), radix: 16),
                let end = UInt64(words[1].dropFirst(2), radix: 16), start < end, let path = words.last
            else { return nil }
            return (start..<end, (path as NSString).lastPathComponent)
        }
    }

    /// The functions of every thread as gdb prints them, by thread id.
    static func gdbThreads(_ program: String, _ core: String) -> [Int: [String]] {
        let text = run(
            "gdb -nx -batch -ex 'set width 0' -ex 'set debuginfod enabled off' -ex 'thread apply all bt' ./\(program) \(core)"
        )
        var threads: [Int: [String]] = [:]
        var current: Int?
        for line in text.split(separator: "\n") {
            if line.hasPrefix("Thread "), let mark = line.range(of: "LWP ") {
                current = Int(line[mark.upperBound...].prefix { $0.isNumber })
            } else if let current, line.first == "#",
                let parsed = line.range(of: "^#[0-9]+ +(0x[0-9a-f]+ in )?", options: .regularExpression)
            {
                threads[current, default: []].append(
                    line[parsed.upperBound...].components(separatedBy: " (").first ?? "")
            }
        }
        return threads
    }
}
