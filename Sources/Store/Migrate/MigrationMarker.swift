import Files
import Glibc
import JSON
import Terminal

/// The file that says where an embedded store went, so that nothing more is collected into it: `<store>/.migrated`.
struct MigrationMarker: Equatable {
    private static let name = ".migrated"
    private static let largest = 65_536

    /// The address of the store that has everything now, without a password.
    var target: String
    /// Whether everything was copied; otherwise the migration was interrupted while the store was locked.
    var isFinished: Bool

    /// Reads a store's marker; nil only if there is none.
    ///
    /// - Throws: ``StoreError`` with `unreadableNow`.
    static func read(store: String) throws(StoreError) -> MigrationMarker? {
        let path = store + "/" + name
        let bytes: [UInt8]
        do throws(FileFailure) {
            bytes = try OpenFile(path, O_RDONLY | O_NONBLOCK).read(at: 0, count: largest)
        } catch {
            if error.isAbsence { return nil }
            throw StoreError(
                .unreadableNow, "cannot tell whether the store was migrated: \(error.reason)", path: path,
                hint: "check the disk and who may read the file", kind: .tryAgain)
        }
        let line = try? JSONValue(parsing: bytes)
        return MigrationMarker(target: line?["to"]?.string ?? "?", isFinished: line?["finished"]?.bool ?? false)
    }

    /// Refuses a store that was migrated: what is collected into it would be missing in the other one.
    ///
    /// - Throws: ``StoreError`` with `migrated` or `unreadableNow`.
    static func requireNone(store: String) throws(StoreError) {
        guard let marker = try read(store: store) else { return }
        throw StoreError(
            .migrated,
            marker.isFinished
                ? "the store was migrated to \(marker.target); it can be read, and nothing is collected into it any more"
                : "a migration of the store to \(marker.target) was interrupted", path: store,
            hint: marker.isFinished
                ? "set store: in the configuration, or SALVAGE_STORE, to \(marker.target)"
                : "run salvage migrate --to \(marker.target) again")
    }

    /// Writes the marker; it survives a power cut.
    func write(store: String) throws(StoreError) {
        var line = JSONLine()
        line.add("to", target)
        line.add("finished", isFinished)
        let path = store + "/" + Self.name
        do throws(FileFailure) { try Replacement.write(line.utf8 + [0x0A], to: path) } catch {
            throw StoreError(.storeFailed, "cannot mark the store as migrated: \(error.reason)", path: path)
        }
    }

    /// Removes the marker of a store that everything came back to.
    static func remove(store: String) throws(StoreError) {
        let path = store + "/" + name
        guard unlink(path) == 0 || errno == ENOENT else {
            throw unremoved(FileFailure.reason(errno), path)
        }
        do throws(FileFailure) { try Folders.sync(store) } catch {
            throw unremoved(error.reason, path)
        }
    }

    private static func unremoved(_ reason: String, _ path: String) -> StoreError {
        StoreError(.storeFailed, "cannot remove the mark of a migration: \(reason)", path: path)
    }
}

extension StoreError.Code {
    /// The store was migrated to another one.
    public static let migrated = StoreError.Code(rawValue: "store_migrated")
}
