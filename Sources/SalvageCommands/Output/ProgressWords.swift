import Store
import Terminal
import Text

extension Progress {
    /// Shows how far an operation of the store has come.
    func update(_ progress: StoreProgress) { update(Self.words(progress)) }

    private static func words(_ progress: StoreProgress) -> String {
        switch progress {
        case .verifying(let pack, let total): "verifying \(pack) of \(counted(total, "pack"))"
        case .reindexing(let packs, let total): "reindexing \(packs) of \(counted(total, "pack"))"
        case .pruned(let sessions, let bytes): "pruned \(counted(sessions, "session")), \(SizeText.binary(bytes))"
        case .exporting(let member, let total): "exporting \(member) of \(counted(total, "member"))"
        case .bundling(let session, let total): "bundling \(session) of \(counted(total, "session"))"
        case .compressing: "compressing the bundle"
        case .unpacking(let path): "reading \(Escape.display(path))"
        case .ingesting(let session, let total): "ingesting \(session) of \(counted(total, "session"))"
        case .asking(let identity, let number, let total):
            "asking for \(Escape.display(identity)), \(number) of \(counted(total, "build id"))"
        case .extracting(let path, let bytes): "extracting \(Escape.display(path)), \(SizeText.binary(bytes))"
        case .addingSymbols(let path): "adding \(Escape.display(path))"
        case .symbolicating(let session, let total): "symbolicating \(session) of \(counted(total, "session"))"
        case .signing(let crashes): "signing \(counted(crashes, "crash", "crashes"))"
        case .copyingCatalog: "copying the catalog"
        case .copying(let files, let bytes, let path):
            "\(counted(files, "file")), \(SizeText.binary(bytes)) copied: \(Escape.display(path))"
        case .syncing: "writing to the disk"
        case .readingBack(let copy, let total): "reading back \(copy) of \(counted(total, "copy", "copies"))"
        case .reading(let file, let total): "reading \(file) of \(counted(total, "file"))"
        case .restoring(let file, let total, let bytes, let all):
            "restoring \(file) of \(counted(total, "file")), \(SizeText.binary(bytes)) of \(SizeText.binary(all))"
        case .migrating(let sessions, let packs, let bytes):
            "\(counted(sessions, "session")) compared, \(counted(packs, "pack")) copied, \(SizeText.binary(bytes))"
        }
    }
}
