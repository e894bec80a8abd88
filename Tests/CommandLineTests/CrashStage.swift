import Foundation

/// Game servers that crash in known ways, compiled here, and their cores.
struct CrashStage {
    let scratch: Scratch

    var store: String { scratch.path("store") }

    /// False where nothing can be compiled or cores go elsewhere.
    static let possible: Bool = {
        let pattern = (try? String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8)) ?? ""
        return pattern.hasPrefix("core") && (try? shell("command -v gcc"))?.status == 0
    }()

    static func has(_ tool: String) -> Bool { (try? shell("command -v \(tool)"))?.status == 0 }

    private static let source = #"""
        #include <assert.h>
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        struct weapon { int ammunition; int damage; };
        static const char *mode;
        volatile int sink;
        #ifdef PAD
        __attribute__((noinline)) int padding(int n) { for (int i = 0; i < n; i++) sink += i * n; return sink; }
        #endif
        __attribute__((noinline)) static int weapon_damage(struct weapon *weapon) { return weapon->damage + sink; }
        __attribute__((noinline)) static int inventory_check(int slots) { assert(slots < 8 && "inventory overflow"); return slots; }
        __attribute__((noinline)) static int net_receive(int size) { if (size) abort(); return size; }
        __attribute__((noinline)) static int world_tick(struct weapon *weapon) {
        #ifdef PAD
            sink += padding(3);
        #endif
            int result = 0;
            if (!strcmp(mode, "weapon")) result = weapon_damage(weapon);
            if (!strcmp(mode, "assert")) result = inventory_check(9);
            if (!strcmp(mode, "net")) result = net_receive(1);
            sink = result;
            return result;
        }
        static void *loop(void *argument) { int r = world_tick(argument); sink = r; return NULL; }
        int main(int count, char **arguments) {
            mode = count > 1 ? arguments[1] : "weapon";
            if (count > 2) {
                FILE *filter = fopen("/proc/self/coredump_filter", "w");
                if (filter) { fputs(arguments[2], filter); fclose(filter); }
            }
            pthread_t game;
            pthread_create(&game, NULL, loop, NULL);
            pthread_join(game, NULL);
            return 0;
        }
        """#

    init() throws {
        scratch = try Scratch()
        try Self.source.write(toFile: scratch.path("server.c"), atomically: true, encoding: .utf8)
        for (build, flags) in [("a", ""), ("b", "-DPAD")] {
            try shell(
                """
                mkdir -p \(scratch.path(build)) && cd \(scratch.path(build)) \
                && gcc -g -O1 -fno-optimize-sibling-calls -Wl,--build-id=sha1 \(flags) -pthread -o server ../server.c \
                && objcopy --only-keep-debug server server.debug && cp server server.full && strip server
                """)
        }
    }

    /// Path of the core that a build leaves in a mode, with what it wrote to standard error beside it as `.log`.
    func core(_ build: String, _ mode: String, filter: String = "0x37") throws -> String {
        let folder = scratch.path("\(build)-\(mode)-\(filter)")
        try shell(
            """
            mkdir -p \(folder) && cd \(folder) && ulimit -c unlimited; ../\(build)/server \(mode) \(filter) 2>server.log; \
            for core in core*; do [ -e "$core" ] && mv "$core" crash.dump; done; true
            """)
        return folder + "/crash.dump"
    }

    func salvage(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["SALVAGE_STORE": store])
    }

    /// Ingests files as one session.
    func ingest(_ session: String, tag: String, _ files: String...) throws -> Program.Outcome {
        try Program.run(
            ["ingest", "--session", session, "--image", "shooter", "--tag", tag] + files,
            environment: ["SALVAGE_STORE": store])
    }

    func signatures(_ arguments: String...) throws -> [String: String] {
        try Program.run(["crashes", "--json"] + arguments, environment: ["SALVAGE_STORE": store]).objects
            .reduce(into: [:]) { $0[$1["session"] as? String ?? ""] = $1["signature"] as? String }
    }
}
