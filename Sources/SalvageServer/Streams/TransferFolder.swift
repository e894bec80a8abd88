import Files
import Glibc
import NIOCore
import Store

/// A folder of the store for a file that is received or sent. It is removed with its content when the object is freed.
final class TransferFolder: Sendable {
    /// The beginning of its name, by which what a killed server left is found.
    private static let prefix = ".serve-"
    /// How old a leftover must be, in seconds, so that it cannot belong to another running server.
    private static let leftoverAge = 2 * 86_400

    let path: String
    private let store: String

    init(in store: String, _ what: String) throws {
        self.store = store
        do throws(FileFailure) { path = try Folders.makeTemporary("\(Self.prefix)\(what)-", in: store) } catch {
            throw StoreError(error)
        }
    }

    // Links are not followed. What cannot be removed now is removed by a later server.
    deinit { _ = try? Folders.removeTree(path) }

    /// Refuses what would leave less free space than the reserve.
    func requireRoom(_ bytes: UInt64, reserve: UInt64) throws {
        let space: Folders.Space
        do throws(FileFailure) { space = try Folders.space(store) } catch { throw StoreError(error) }
        let (needed, overflow) = bytes.addingReportingOverflow(reserve)
        guard !overflow, space.free >= needed else {
            throw ServerFailure(
                .noSpace, "no_space", "the disk of the store has not enough free space",
                hint: "salvage prune --dry-run")
        }
    }

    /// Removes what servers left that were killed days ago.
    static func removeLeftovers(in store: String) {
        guard let names = try? OpenFolder(path: store).names() else { return }
        for name in names.compactMap(\.text) where name.hasPrefix(prefix) {
            var facts = stat()
            let path = store + "/" + name
            guard lstat(path, &facts) == 0, Int(facts.st_mtim.tv_sec) < Int(time(nil)) - leftoverAge else { continue }
            _ = try? Folders.removeTree(path)
        }
    }
}

/// A file of a ``TransferFolder`` that is read from its beginning. One request uses it.
final class TransferFile: @unchecked Sendable {
    // Unchecked: the request waits for each call before it makes the next.
    let size: UInt64
    private let folder: TransferFolder
    private let descriptor: Int32
    private let path: String

    init(_ folder: TransferFolder, _ name: String) throws {
        self.folder = folder
        path = folder.path + "/" + name
        do throws(FileFailure) {
            descriptor = try Descriptor.open(path, O_RDONLY | O_CLOEXEC)
            size = try Descriptor.size(descriptor, path: path)
        } catch { throw StoreError(error) }
    }

    deinit { close(descriptor) }

    /// The next bytes; nil at the end. It blocks.
    func next() throws -> ByteBuffer? {
        do throws(FileFailure) {
            let bytes = try Descriptor.next(descriptor, atMost: 256 << 10, path: path)
            return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
        } catch { throw StoreError(error) }
    }
}
