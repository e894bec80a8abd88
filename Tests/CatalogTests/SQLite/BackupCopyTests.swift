import Catalog
import Foundation
import Model
import Pack
import Testing

@Suite struct BackupCopyTests {
    /// The copy is of one moment, also while another connection writes, and needs no second file.
    @Test func aCopyIsWholeWhileOthersWrite() async throws {
        let store = try TestStore()
        let catalog = try store.open()
        try catalog.commit(contents("first", exited: moment(1)))
        let copies = try TestStore()
        let (from, to) = (store.path, copies.path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let writer = try Catalog.open(store: from)
                for number in 0..<60 {
                    // Two sessions in one transaction: a copy has both or none.
                    try writer.commit([
                        contents("a-\(number)", exited: moment(2)), contents("b-\(number)", exited: moment(2)),
                    ])
                }
            }
            group.addTask {
                for number in 0..<12 {
                    let folder = to + "/\(number)"
                    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                    try catalog.copy(to: folder + "/" + Catalog.fileName)
                }
            }
            try await group.waitForAll()
        }
        for number in 0..<12 {
            let folder = copies.path + "/\(number)"
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [Catalog.fileName])
            let copy = try Catalog.open(store: folder, readOnly: true)
            let sessions = Set(try copy.sessions().map(\.session))
            #expect(sessions.contains("first"))
            #expect(sessions.count { $0.hasPrefix("a-") } == sessions.count { $0.hasPrefix("b-") })
            #expect(try copy.packSizes().count == sessions.count)
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/" + Catalog.fileName)
            #expect(mode[.posixPermissions] as? Int == 0o600)
        }
        withExtendedLifetime((store, copies)) {}
        // A second copy takes the place of the first.
        try catalog.copy(to: copies.path + "/0/" + Catalog.fileName)
        #expect(try Catalog.open(store: copies.path + "/0", readOnly: true).count() == 121)
    }

    @Test func aDamagedCatalogIsNoBackup() throws {
        let store = try TestStore()
        let catalog = try store.open()
        for number in 0..<300 { try catalog.commit(contents("session-\(number)", exited: moment(1))) }
        try catalog.checkpoint()
        catalog.close()
        let path = store.path + "/" + Catalog.fileName
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // The heads of pages of the last half, behind the schema's, which opening needs.
        let page = 4096
        for index in stride(from: bytes.count / page / 2 * page, to: bytes.count - page, by: page * 2) {
            bytes.replaceSubrange(index..<index + 64, with: Data(repeating: 0xA5, count: 64))
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        let damaged = try Catalog.open(store: store.path, readOnly: true)
        let error = #expect(throws: CatalogError.self) { try damaged.copy(to: store.path + "/copy.sqlite") }
        #expect(error?.code == .corrupt)
    }
}
