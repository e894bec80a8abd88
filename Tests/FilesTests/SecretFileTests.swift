import Foundation
import Testing

@testable import Files

@Suite struct SecretFileTests {
    private let path = "\(NSTemporaryDirectory())/secret-\(UUID().uuidString)"

    private func read(mode: Int, toleratesGroup: Bool = false) throws -> SecretFile.Content {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("words".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return try SecretFile.read(path, toleratesGroup: toleratesGroup)
    }

    @Test func aFileOfItsOwnerAloneIsRead() throws {
        #expect(try read(mode: 0o600) == .bytes(Array("words".utf8)))
        #expect(try read(mode: 0o440, toleratesGroup: true) == .bytes(Array("words".utf8)))
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o602, 0o601]) func aFileThatOthersCanUseIsRefused(_ mode: Int) throws {
        guard case .refused(let why, let hint) = try read(mode: mode) else {
            Issue.record("not refused")
            return
        }
        #expect(why.contains(String(mode, radix: 8)) && hint.contains("chmod 600"))
        if mode & 7 != 0 {
            guard case .refused = try read(mode: mode, toleratesGroup: true) else {
                Issue.record("not refused")
                return
            }
        }
    }

    @Test func aFolderIsRefusedAndAMissingFileIsAFailure() throws {
        guard case .refused = try SecretFile.read(NSTemporaryDirectory(), toleratesGroup: false) else {
            Issue.record("not refused")
            return
        }
        #expect(throws: FileFailure.self) { try SecretFile.read(path, toleratesGroup: false) }
    }
}
