import Catalog
import Foundation
import Model
import Pack
import PackHome
import Testing

@testable import Store

@Suite struct LocalFolderTests {
    private func folder(_ address: SharedStoreAddress, _ environment: [String: String]) throws -> String {
        try LocalFolder.path(for: address) { environment[$0] }
    }

    private func temporary() -> String {
        NSTemporaryDirectory() + "local-\(UUID().uuidString)"
    }

    @Test func theConfiguredFolderComesBeforeTheEnvironment() throws {
        var address = SharedStoreAddress(catalog: "postgres://db/salvage")
        let home = ["HOME": "/home/a"]
        #expect(try folder(address, home).hasPrefix("/home/a/.cache/salvage/salvage-"))
        #expect(try folder(address, ["XDG_CACHE_HOME": "/x", "HOME": "/home/a"]).hasPrefix("/x/salvage/salvage-"))
        #expect(try folder(address, ["CACHE_DIRECTORY": "/var/cache/s:/other", "HOME": "/h"]) == "/var/cache/s")
        address.cache = "/mine"
        #expect(try folder(address, home) == "/mine")
    }

    @Test func eachDatabaseHasAFolderOfItsOwn() throws {
        func path(_ catalog: String) throws -> String {
            try folder(SharedStoreAddress(catalog: catalog), ["HOME": "/h"])
        }
        let first = try path("postgres://a@db/salvage")
        #expect(try path("postgres://b:secret@db/salvage?sslmode=require") == first)
        #expect(try path("postgres://a@db/other") != first)
        #expect(try path("postgres://a@db2/salvage") != first)
        #expect(try path("postgres://a@db/salvage?options=-csearch_path%3Dx") != first)
    }

    @Test func withoutAHomeNothingIsGuessed() throws {
        let error = try #require(throws: StoreError.self) {
            try folder(SharedStoreAddress(catalog: "postgres://db/salvage"), ["HOME": "relative"])
        }
        #expect(error.code == .cacheRefused)
        #expect(error.hint?.contains("cache") == true)
    }

    @Test func aNewFolderIsOpenToItsOwnerOnly() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try LocalFolder.make(path + "/deep")
        var facts = stat()
        try #require(stat(path + "/deep", &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o700)
    }

    @Test(arguments: [0o755, 0o704, 0o720, 0o702])
    func aFolderThatOthersCanUseIsRefused(mode: Int) throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try LocalFolder.make(path)
        chmod(path, mode_t(mode))
        let error = try #require(throws: StoreError.self) { try LocalFolder.make(path) }
        #expect(error.code == .cacheRefused)
        #expect(error.path == path)
        #expect(error.hint?.contains("chmod 700") == true)
    }

    @Test func aFolderBelongsToOneStore() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try LocalFolder.make(path)
        try LocalFolder.claim(path, for: "11111111-0000-0000-0000-000000000000")
        try LocalFolder.claim(path, for: "11111111-0000-0000-0000-000000000000")
        let error = try #require(throws: CatalogError.self) {
            try LocalFolder.claim(path, for: "22222222-0000-0000-0000-000000000000")
        }
        #expect(error.code.rawValue == "cache_refused")
        #expect(error.message.contains("11111111"))
        #expect(error.hint?.contains("store-id") == true)
    }

    @Test func aStoreWithoutItsServersFailsAtTheFirstQuestionOnly() throws {
        var address = SharedStoreAddress(catalog: "postgres://salvage@127.0.0.1:1/salvage")
        address.cache = temporary()
        defer { try? FileManager.default.removeItem(atPath: address.cache ?? "") }
        let store = try Store(.shared(address))
        #expect(store.isShared)
        #expect(!FileManager.default.fileExists(atPath: store.path))
        #expect(throws: CatalogError.self) { try store.session(named: "a") }
        #expect(throws: StoreError.self) {
            try store.backUp(to: "/nonexistent", keep: nil, full: false, now: 0, progress: { _ in })
        }
    }

    @Test func packsOfAStoreThatCannotBeReachedAreNotTakenForAbsent() throws {
        let home = UnreachablePackHome(StoreError(.unexpected, "no way"), location: "there")
        #expect(!home.list().troubles.isEmpty)
        #expect(!home.list().isEmpty)
        let presence = home.presence(of: "packs/2026/01/01/a.pack")
        guard case .unknown(let error) = presence else {
            Issue.record("the presence is \(presence)")
            return
        }
        #expect(error.isLocalFault && !error.isAbsence)
    }

    @Test(arguments: [0, 7, 64 << 20, 20 << 30, UInt64.max]) func copiesShareTheirLimit(all: UInt64) {
        let shares = CacheShares(of: all)
        #expect(shares.symbols == all / 4 && shares.symbols + shares.filters + shares.packs == all)
        #expect(shares.packs >= shares.filters)
    }
}
