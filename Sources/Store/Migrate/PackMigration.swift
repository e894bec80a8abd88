import Bytes
import Digest
import Files
import Glibc
import Pack
import PackHome
import Text

/// Copies packs from one home to another and compares them there.
struct PackMigration {
    let source: any PackHome
    let target: any PackHome
    /// A folder on this machine for copies that are not published yet.
    let folder: String

    /// A pack in the target.
    struct Copy {
        /// Its path, relative to the target's store.
        var path: String
        var bytes: UInt64
        /// Whether it was there already.
        var wasThere: Bool
    }

    /// The pack in the source that a copy was made of.
    struct Original {
        /// Its path, relative to the source's store.
        var path: String
        var bytes: UInt64
    }

    private struct Content: Equatable {
        var size: UInt64
        var sha256: [UInt8]
    }

    /// Copies a session's pack under the path that the target's rule gives it. When this returns, the target has read back
    /// the same bytes.
    ///
    /// - Parameters:
    ///   - path: the pack's path in the source.
    ///   - session: the session's id.
    ///   - known: the path of the session's pack in the target, as its catalog says.
    /// - Throws: `PackError`, with `isAbsence` if the source no longer has the pack.
    func copy(_ path: String, of session: String, known: String?) throws(PackError) -> Copy {
        let pack = try source.localCopy(of: path)
        let content = try Self.content(of: pack, path)
        let standard = Self.standard(path, session)
        var occupied: ByteSet = []
        for place in try places(known, standard, session) {
            switch target.presence(of: place) {
            case .absent: continue
            case .unknown(let reason): throw reason
            case .present(let found):
                if found.size == content.size, try self.content(ofCopy: place) == content {
                    return Copy(path: place, bytes: content.size, wasThere: true)
                }
                occupied.insert(place)
            }
        }
        let place = try place(standard, known, occupied)
        try publish(pack, path, as: place)
        guard try self.content(ofCopy: place) == content else {
            throw PackError(.io, "the copy of the pack differs from the pack; it is not used", path: place)
        }
        return Copy(path: place, bytes: content.size, wasThere: false)
    }

    /// Where the session's pack may be in the target.
    private func places(_ known: String?, _ standard: String, _ session: String) throws(PackError) -> [String] {
        var places = known.map { PackPath.isPlace($0) ? [$0] : [] } ?? []
        let others = try target.paths(of: session, from: standard)
        places += others.filter { path in !places.contains { $0.hasSameBytes(as: path) } }
        return places
    }

    /// The path of the copy. Where paths are reused, it takes that of the session's pack in the target's catalog, and never
    /// that of a pack that the catalog does not name.
    private func place(_ standard: String, _ known: String?, _ occupied: ByteSet) throws(PackError) -> String {
        guard target.reusesPaths else {
            return PackPath.generation(standard, epoch: 0, nonce: .random(in: 0 ... .max))
        }
        if let known, occupied.contains(known) { return known }
        if !occupied.contains(standard) { return standard }
        for number in 1...PackPath.mostSecondNames {
            let second = PackPath.second(standard, number)
            if !occupied.contains(second) { return second }
        }
        throw PackError(.io, "other packs have all names that the pack could have", path: standard)
    }

    /// The path of a session's pack without a generation, on the day on which the source has it.
    private static func standard(_ path: String, _ session: String) -> String {
        Folders.split(path).folder + "/" + PackPath.fileName(session: session)
    }

    private func publish(_ pack: LocalPack, _ path: String, as place: String) throws(PackError) {
        try target.prepare(place)
        // The ingest's sweep removes what a process that is gone has left here.
        let file = "\(folder)/\(Folders.split(place).name).\(getpid())"
        defer { unlink(file) }
        do throws(FileFailure) {
            try Folders.make(folder)
            unlink(file)
            let copy = try OpenFile(file, O_WRONLY | O_CREAT | O_EXCL)
            guard lseek(pack.descriptor, 0, SEEK_SET) == 0 else { throw .last("read the pack", path) }
            try Descriptor.copy(pack.descriptor, path, to: copy.descriptor, file)
        } catch {
            throw PackError(error)
        }
        try target.publish(file, as: place)
    }

    /// Reads a pack of the target back, from where it is stored and not from a copy on this machine.
    private func content(ofCopy path: String) throws(PackError) -> Content {
        try Self.content(of: try target.original.localCopy(of: path), path)
    }

    private static func content(of pack: LocalPack, _ path: String) throws(PackError) -> Content {
        var hasher = SHA256Hasher()
        var size: UInt64 = 0
        while true {
            let piece: [UInt8]
            do throws(FileFailure) {
                piece = try Descriptor.read(pack.descriptor, at: size, count: 1 << 20, path: path)
            } catch {
                throw PackError(error)
            }
            if piece.isEmpty { break }
            piece.withUnsafeBytes { hasher.update($0) }
            size += UInt64(piece.count)
        }
        return Content(size: size, sha256: hasher.finish())
    }
}
