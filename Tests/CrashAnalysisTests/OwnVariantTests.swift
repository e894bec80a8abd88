import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// Programs without unwind tables, frame pointers, symbol sizes or build ids, and programs that end in a signal handler.
@Suite(.enabled(if: OwnVariants.possible, "no compiler for x86-64, or the kernel keeps cores elsewhere"), .serialized)
struct OwnVariantTests {
    static let expected: [(mode: String, stack: [String], signal: String)] = [
        ("quick", ["quick", "spawn", "main"], "SIGSEGV"), ("deep", ["deep", "drop", "main"], "SIGSEGV"),
        ("indirect", ["quick", "select_item", "main"], "SIGSEGV"), ("aborts", ["fire", "main"], "SIGSEGV"),
        ("raises", ["fire", "main"], "SIGSEGV"), ("informed", ["fire", "main"], "SIGSEGV"),
        ("faults", ["fire", "main"], "SIGSEGV"), ("usual", ["usual"], "SIGSEGV"),
        ("stop", ["stop", "main"], "SIGTRAP"),
        ("jit", ["script", "main"], "SIGSEGV"), ("leaf", ["script", "main"], "SIGSEGV"),
    ]

    /// With the program's symbols only, as an operator has them.
    @Test(arguments: OwnVariants.builds.map(\.name), expected.indices)
    func stackIsWhole(build: String, index: Int) throws {
        let wanted = Self.expected[index]
        let core = try #require(OwnVariants.core(build, wanted.mode))
        let store = SymbolStore(root: OwnVariants.folder + "/symbols-" + build)
        _ = try store.add(path: OwnVariants.folder + "/full/" + build)
        let record = try OwnCores.analyze(core, store)
        // A static program has the C library's functions, too.
        let own: Set = ["quick", "deep", "spawn", "drop", "select_item", "fire", "usual", "stop", "script", "main"]
        let names = record.frames.compactMap(\.function).filter { own.contains($0) }
        #expect(names.prefix(wanted.stack.count) == wanted.stack[...])
        #expect(record.signal == wanted.signal)
        if ["aborts", "raises", "informed", "faults"].contains(wanted.mode) {
            #expect(record.address == Address(0))
            #expect(record.exception == "SEGV_MAPERR")
            #expect(record.notes.contains { $0.hasPrefix("a SIGSEGV handler was running") })
        }
        #expect(!record.signature.contains("@0x"))
    }
}

enum OwnVariants {
    static let builds: [(name: String, flags: String)] = [
        (name: "plain", flags: "-O1"), ("pointers", "-O1 -fno-omit-frame-pointer"), ("debug", "-O0"),
        ("fixed", "-O1 -static"), ("nameless", "-O1 -Wl,--build-id=none"),
    ]
    static let folder = OwnCores.folder + "/variants"

    static let possible: Bool = {
        guard OwnCores.possible, OwnCores.run("uname -m").hasPrefix("x86_64") else { return false }
        try? FileManager.default.createDirectory(atPath: folder + "/full", withIntermediateDirectories: true)
        try? source.write(toFile: folder + "/variants.c", atomically: true, encoding: .utf8)
        for build in builds {
            let program = "full/" + build.name
            OwnCores.run("gcc -g \(build.flags) -o \(program) variants.c && cp \(program) .", in: folder)
            // The program that runs is stripped; the one in the store is not.
            if build.name == "nameless" { OwnCores.run("strip nameless", in: folder) }
        }
        return builds.allSatisfy { FileManager.default.fileExists(atPath: folder + "/" + $0.name) }
    }()

    static func core(_ build: String, _ mode: String) -> String? {
        let work = folder + "/\(build)-\(mode)"
        try? FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        OwnCores.run("ulimit -c unlimited; timeout 20 ../\(build) \(mode) >/dev/null 2>&1", in: work)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: work)) ?? []
        return names.first { $0.hasPrefix("core") }.map { work + "/" + $0 }
    }

    private static let source = #"""
        #define _GNU_SOURCE
        #include <signal.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        volatile int sink;
        int quick(int *p);
        __asm__(".text\n.type quick,@function\n.globl quick\nquick:\n mov (%rdi),%eax\n ret\n");
        int deep(int *p);
        __asm__(".text\n.type deep,@function\ndeep:\n sub $0x28,%rsp\n mov (%rdi),%eax\n add $0x28,%rsp\n ret\n.size deep,.-deep\n");
        #define KEPT __attribute__((noinline))
        KEPT int spawn(int *p) { int r = quick(p); sink = r; return r + 1; }
        KEPT int drop(int *p) { int r = deep(p); sink = r; return r + 1; }
        KEPT int select_item(int *p) { int (*volatile f)(int *) = quick; int r = f(p); sink = r; return r + 1; }
        KEPT int fire(volatile int *p) { int r = *p; sink = r; return r + 1; }
        KEPT void stop(void) { raise(SIGTRAP); sink = 1; }
        KEPT int script(int (*f)(void)) { int r = f(); sink = r; return r + 1; }
        static void aborts(int s) { if (write(2, "crash\n", 6)) sink = s; abort(); }
        static void raises(int s) {
            sigset_t none;
            sigemptyset(&none);
            signal(s, SIG_DFL);
            sigprocmask(SIG_SETMASK, &none, 0);
            raise(s);
        }
        static void informed(int s, siginfo_t *i, void *c) { sink = s; abort(); }
        static void faults(int s) { *(volatile int *)8 = s; }
        static void usual(int s) { *(volatile int *)8 = s; }
        static void on(int s, void (*f)(int), int flags) {
            struct sigaction a = {.sa_handler = f, .sa_flags = flags};
            sigaction(s, &a, 0);
        }
        int main(int argc, char **argv) {
            const char *m = argv[1];
            int *volatile null = (int *)(long)(argc > 9);
            if (!strcmp(m, "quick")) return spawn(null);
            if (!strcmp(m, "deep")) return drop(null);
            if (!strcmp(m, "indirect")) return select_item(null);
            if (!strcmp(m, "aborts")) { on(SIGSEGV, aborts, 0); return fire(null); }
            if (!strcmp(m, "raises")) { on(SIGSEGV, raises, 0); return fire(null); }
            if (!strcmp(m, "informed")) {
                struct sigaction a = {.sa_sigaction = informed, .sa_flags = SA_SIGINFO};
                sigaction(SIGSEGV, &a, 0);
                return fire(null);
            }
            if (!strcmp(m, "faults")) { on(SIGSEGV, faults, SA_NODEFER | SA_RESETHAND); return fire(null); }
            if (!strcmp(m, "usual")) { on(SIGUSR1, usual, 0); raise(SIGUSR1); }
            if (!strcmp(m, "stop")) stop();
            if (!strcmp(m, "jit") || !strcmp(m, "leaf")) {
                unsigned char *p = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                unsigned char leaf[] = {0x31, 0xc0, 0x48, 0x8b, 0x00, 0xc3};
                unsigned char framed[] = {0x55, 0x48, 0x89, 0xe5, 0x31, 0xc0, 0x48, 0x8b, 0x00, 0x5d, 0xc3};
                if (*m == 'j') memcpy(p, framed, sizeof framed); else memcpy(p, leaf, sizeof leaf);
                unsigned char outer[] = {0x55, 0x48, 0x89, 0xe5, 0xe8, 0, 0, 0, 0, 0x5d, 0xc3};
                int delta = -64 - 9;
                memcpy(outer + 5, &delta, 4);
                memcpy(p + 64, outer, sizeof outer);
                return script((int (*)(void))(p + 64));
            }
            return 0;
        }
        """#
}
