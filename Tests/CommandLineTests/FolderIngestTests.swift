import Foundation
import Testing

/// A folder takes the same way as a download, and a bundle holds what an export wrote.
@Suite struct FolderIngestTests {
    @Test func aFolderIsIngestedAndBundled() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        try shell(
            """
            cd \(scratch.url.path) && mkdir -p Saved/Logs && seq 1 20000 > Saved/Logs/Game.log \
            && truncate -s 5M Saved/core && printf middle | dd of=Saved/core bs=1 seek=2000000 conv=notrunc 2>/dev/null \
            && ln Saved/Logs/Game.log Saved/same.log && ln -s Game.log Saved/Logs/link \
            && printf x > "$(printf 'Saved/bad\\377')" && touch -d '2024-01-02 03:04:05.006Z' Saved/core
            """)
        let ingest = try Program.run(["ingest", "--store", store, "--session", "s", "--json", scratch.path("Saved")])
        #expect(ingest.status == 0, "\(ingest.out)\(ingest.err)")
        #expect(ingest.objects.first?["verdict"] as? String == "ok")
        let files = try Program.run(["files", "--store", store, "--json", "s"]).objects
        let named = Dictionary(files.compactMap { file in (file["path"] as? String).map { ($0, file) } }) { $1 }
        #expect(named["Saved/Logs/Game.log"]?["kind"] as? String == "log")
        #expect(named["Saved/Logs/link"]?["link_target"] as? String == "Game.log")
        #expect(named["Saved/same.log"]?["kind"] as? String == "hardlink")
        #expect(named["Saved/core"]?["size"] as? Int == 5 << 20)
        #expect((named["Saved/core"]?["mtime"] as? String)?.hasPrefix("2024-01-02T03:04:05.006") == true)
        let raw = Data("Saved/bad".utf8) + [0xff]
        #expect(files.contains { $0["path_base64"] as? String == raw.base64EncodedString() })

        let out = scratch.path("out")
        let export = try Program.run(["export", "--store", store, "s", "--to", out + "/", "--bundle"])
        #expect(export.status == 0, "\(export.err)")
        #expect(!FileManager.default.fileExists(atPath: out))
        let unpacked = try shell(
            """
            cd \(scratch.url.path) && gzip -t out.tar.gz && tar -xzf out.tar.gz && cd out/sessions/s/stored \
            && cmp ../../../../Saved/core Saved/core && cmp ../../../../Saved/Logs/Game.log Saved/same.log \
            && stat -c '%a %h' ../../../../out.tar.gz Saved/same.log
            """)
        #expect(unpacked.status == 0 && unpacked.out.hasPrefix("600 1\n"), "\(unpacked.out)")
        #expect(unpacked.out.hasSuffix(" 2\n"), "hard links stay")

        let again = try Program.run(["export", "--store", store, "s", "--to", scratch.path("out2"), "--bundle"])
        try #require(again.status == 0, "\(again.err)")
        let taken = try Program.run(["export", "--store", store, "s", "--to", scratch.path("out2"), "--bundle"])
        #expect(taken.status == 2 && taken.err.contains("the bundle already exists"), "\(taken.err)")
        // An archive of that name would lie in the folder.
        try FileManager.default.createDirectory(atPath: scratch.path("empty"), withIntermediateDirectories: false)
        let refused = try Program.run(
            ["export", "--store", store, "s", "--to", scratch.path("empty") + "/.", "--bundle"])
        #expect(refused.status == 2 && refused.err.contains("a name of its own"), "\(refused.err)")
        #expect(Scratch.listing(scratch.path("empty")).isEmpty)
    }
}
