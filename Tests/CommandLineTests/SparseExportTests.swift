import Foundation
import Testing

/// Files that come out take no more room than `cp --sparse=always` would give them.
@Suite struct SparseExportTests {
    // Of the program, not of `struct stat`: which module that belongs to depends on the order in which a build loads them.
    private func blocks(_ path: String) throws -> Int {
        let printed = try shell("stat -c %b '\(path)'").out.trimmingCharacters(in: .whitespacesAndNewlines)
        return try #require(Int(printed), "stat: \(printed)")
    }

    @Test(arguments: ["", "--sparse"]) func zerosBecomeHoles(_ flag: String) throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        // As a core is: pages, zeros that are holes, zeros that were written, odd places.
        let core = scratch.path("core.1")
        try shell(
            """
            cd \(scratch.url.path) && truncate -s 64M core.1 \
            && for at in 0 3 100 1000 5000 16000; do \
              head -c 300000 /dev/urandom | dd of=core.1 bs=4096 seek=$at conv=notrunc 2>/dev/null; done \
            && head -c 9000000 /dev/zero | dd of=core.1 bs=4096 seek=9000 conv=notrunc 2>/dev/null \
            && printf tail | dd of=core.1 bs=1 seek=50000001 conv=notrunc 2>/dev/null \
            && cp --sparse=always core.1 best && tar \(flag) -czf a.tar.gz core.1
            """)
        let ingest = try Program.run(["ingest", "--store", store, "--session", "s", scratch.path("a.tar.gz")])
        #expect(ingest.status == 0, "\(ingest.err)")
        let out = scratch.path("out")
        #expect(try Program.run(["export", "s", "--to", out, "--store", store]).status == 0)
        #expect(try shell("\(Program.salvage.path) cat s core.1 --store \(store) > \(scratch.path("cat"))").status == 0)
        let best = try blocks(scratch.path("best"))
        try #require(best > 0)
        for made in [out + "/core.1", scratch.path("cat")] {
            #expect(try shell("cmp \(core) \(made)").status == 0, "\(made)")
            let taken = try blocks(made)
            #expect(taken * 10 <= best * 11, "\(made): \(taken) blocks, cp --sparse=always takes \(best)")
        }
        // Behind what a file holds already, and into a pipe, zeros are zeros.
        try shell(
            "printf abc > \(scratch.path("more")); \(Program.salvage.path) cat s core.1 --store \(store) >> \(scratch.path("more"))"
        )
        #expect(try shell("tail -c +4 \(scratch.path("more")) | cmp - \(core)").status == 0)
        #expect(try shell("\(Program.salvage.path) cat s core.1 --store \(store) | cmp - \(core)").status == 0)
    }

    @Test func verifyJudgesTheFilesItCanReadWhenOthersAreMissing() throws {
        let scratch = try Scratch()
        try shell("cd \(scratch.url.path) && echo x > a && tar czf good.tar.gz a && tar czf other.tar.gz a")
        let outcome = try Program.run(
            ["verify", scratch.path("good.tar.gz"), scratch.path("missing.tar.gz"), scratch.path("other.tar.gz")])
        #expect(outcome.status == 2, "\(outcome.out)\(outcome.err)")
        #expect(outcome.out.contains("good.tar.gz: ok") && outcome.out.contains("other.tar.gz: ok"), "\(outcome.out)")
        #expect(outcome.err.contains("missing.tar.gz"))
    }
}
