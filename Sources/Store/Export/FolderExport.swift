import Catalog
import Glibc
import Ingest
import Pack

/// What an export wrote.
public struct ExportReport: Sendable {
    /// The folder.
    public let target: String
    /// The session and its artifacts.
    public let pack: SessionPack
    /// The number of files written.
    public let files: Int
    /// Their logical size, in bytes.
    public let bytes: UInt64
    /// The number of links and devices that are in the metadata only.
    public let leftOut: Int
    /// The paths of damaged members, escaped; their intact parts were written.
    public let damaged: [String]
    /// The number of places that redaction rules replaced; nil if none were applied.
    public let redacted: UInt64?
    /// The number of dumps and other files left out because they cannot be redacted.
    public let unredactable: Int
}

extension Store {
    /// Writes members of a session as files below a new folder.
    ///
    /// - Parameters:
    ///   - id: the session's id or a unique prefix.
    ///   - folder: the folder to create.
    ///   - options: which members, and which rules apply to them.
    ///   - progress: called before each member.
    /// - Throws: ``StoreError``, `CatalogError`, `IngestError` or `PackError`.
    public func export(
        _ id: String, to folder: String, _ options: BundleOptions = BundleOptions(),
        progress: (StoreProgress) -> Void
    ) throws -> ExportReport {
        let pack = try pack(id)
        let chosen = try options.members(of: pack)
        let redaction = try options.redaction()
        let tree = try ExportTree(creating: folder)
        let writer = try MemberExport(pack: pack, tree: tree, redaction: redaction)
        var unredactable = 0
        for (count, index) in chosen.enumerated() {
            progress(.exporting(member: count + 1, of: chosen.count))
            if options.leavesOut(writer.isText(index)) { unredactable += 1 } else { try writer.export(index) }
        }
        try tree.write(ExportMetadata.bytes(pack, redaction), to: [IngestMetadata.fileName])
        return ExportReport(
            target: folder, pack: pack, files: writer.files, bytes: writer.bytes, leftOut: writer.leftOut,
            damaged: writer.damaged, redacted: redaction?.places, unredactable: unredactable)
    }

    /// Writes the content of one member as the only file of a new folder, with its holes, and returns the file's path.
    ///
    /// - Throws: ``StoreError`` or `PackError`.
    public func export(member index: Int, of pack: SessionPack, as name: String, in folder: String) throws -> String {
        let tree = try ExportTree(creating: folder)
        let file = try tree.createFile([name])
        defer { close(file.descriptor) }
        try pack.reader.streamExtents(member: index, using: try BlockDecoder()) { extent in
            if case .bytes(let piece, let offset) = extent { try tree.put(piece, into: file, at: offset) }
        }
        _ = ftruncate(file.descriptor, off_t(clamping: pack.reader.members[index].size))
        return folder + "/" + file.path
    }
}
