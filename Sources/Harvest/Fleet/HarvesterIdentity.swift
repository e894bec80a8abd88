import Bytes
import Files
import Glibc
import Text

/// A machine's name among the harvesters of a shared store, kept in its local folder: the folder has the spool, so whoever
/// has the folder is the same harvester, even on another machine.
public enum HarvesterIdentity {
    /// Returns the configured id, or the one kept in `<folder>/harvester`, which is made if it is missing: the host's name
    /// and a random part.
    ///
    /// - Throws: ``HarvestError`` with `storeUnusable` when the file cannot be read or written.
    public static func find(_ configured: String?, folder: String) throws(HarvestError) -> String {
        if let configured, !configured.isEmpty { return configured }
        let path = folder + "/harvester"
        do throws(FileFailure) {
            if let kept = try kept(path) { return kept }
            let made = host() + "-" + randomPart()
            try Replacement.write(Array("\(made)\n".utf8), to: path)
            return made
        } catch {
            throw HarvestError(
                .storeUnusable, "this machine's name among the harvesters cannot be kept: \(error)", path: error.path,
                hint: "check the folder and its owner, or set store.harvester.id in the configuration")
        }
    }

    private static func kept(_ path: String) throws(FileFailure) -> String? {
        do throws(FileFailure) {
            let bytes = try OpenFile(path, O_RDONLY).read(at: 0, count: 256)
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
            // A file cut by a power failure is no name; neither is one with control characters.
            guard !line.isEmpty, line.count < bytes.count, line.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                return nil
            }
            return String(decoding: line, as: UTF8.self)
        } catch {
            if error.isAbsence { return nil }
            throw error
        }
    }

    private static func host() -> String {
        var name = [CChar](repeating: 0, count: 65)
        guard gethostname(&name, name.count - 1) == 0 else { return "harvester" }
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.filter { $0 > 0x20 && $0 < 0x7F }
        return bytes.isEmpty ? "harvester" : String(decoding: bytes, as: UTF8.self)
    }

    /// Four random hexadecimal digits.
    static func randomPart() -> String {
        Hex.text([UInt8.random(in: 0...255), UInt8.random(in: 0...255)])
    }
}
