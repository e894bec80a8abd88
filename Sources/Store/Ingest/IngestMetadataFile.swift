import Clocks
import Files
import JSON
import Model
import Terminal
import Text

extension IngestMetadata {
    /// The name of the file in a session's folder that describes the session. An export writes one; in an ingested folder
    /// it is optional.
    public static let fileName = "salvage-metadata.json"
    private static let sizeLimit = 256 << 20

    /// Reads a metadata file. Unknown fields are ignored.
    ///
    /// - Returns: the session's id if the file gives one, and the rest.
    /// - Throws: ``StoreError`` with `badMetadata` for a file that is not valid, or one of ``TextFile``.
    static func read(_ path: String) throws(StoreError) -> (session: String?, IngestMetadata) {
        let text = try TextFile.read(path, limit: sizeLimit, what: "the session's \(fileName)")
        return try read(parse(text, path: path), path: path)
    }

    /// Reads a metadata file as JSON.
    ///
    /// - Throws: ``StoreError`` with `badMetadata`.
    static func parse(_ text: String, path: String) throws(StoreError) -> JSONValue {
        do throws(JSONFault) { return try JSONValue(parsing: text.utf8) } catch {
            throw MetadataReader.wrong(path, "is not JSON: \(error.reason) at byte \(error.offset)")
        }
    }

    /// Reads the fields of a metadata file. Unknown ones are ignored.
    ///
    /// - Throws: ``StoreError`` with `badMetadata`.
    static func read(_ value: JSONValue, path: String) throws(StoreError) -> (session: String?, IngestMetadata) {
        try MetadataReader(path: path, value: value).read()
    }
}

/// Reads the fields of one metadata file.
private struct MetadataReader {
    private let path: String
    private let fields: [JSONValue.Member]

    init(path: String, value: JSONValue) throws(StoreError) {
        self.path = path
        guard let members = value.members else { throw Self.wrong(path, "is not a JSON object") }
        fields = members
    }

    func read() throws(StoreError) -> (session: String?, IngestMetadata) {
        var metadata = IngestMetadata(
            image: try string("image"), tag: try string("tag"), location: try string("location"),
            host: try string("host"))
        metadata.labels = try labels()
        metadata.created = try instant("created")
        metadata.exited = try instant("exited")
        if let exited = metadata.exited, exited > WallClock.now() { throw wrong("has an 'exited' in the future") }
        let session = try string("session")
        if session?.isEmpty == true { throw wrong("has an empty 'session'") }
        return (session, metadata)
    }

    private func labels() throws(StoreError) -> ByteDictionary<String> {
        guard let value = try field("labels") else { return [:] }
        guard let members = value.members else { throw wrong("has 'labels' that are not an object") }
        var labels: ByteDictionary<String> = [:]
        for label in members {
            guard let text = label.value.string else { throw wrong("has 'labels' that are not all strings") }
            if let other = labels[label.name], !other.hasSameBytes(as: text) {
                throw wrong("gives the label '\(label.name)' twice")
            }
            labels[label.name] = text
        }
        return labels
    }

    private func field(_ name: String) throws(StoreError) -> JSONValue? {
        let given = fields.filter { $0.name.hasSameBytes(as: name) && $0.value != .null }.map(\.value)
        guard given.allSatisfy({ $0 == given[0] }) else { throw wrong("gives '\(name)' twice") }
        return given.first
    }

    private func string(_ name: String) throws(StoreError) -> String? {
        guard let value = try field(name) else { return nil }
        guard let text = value.string else { throw wrong("has a '\(name)' that is not a string") }
        return text
    }

    private func instant(_ name: String) throws(StoreError) -> Int64? {
        guard let text = try string(name) else { return nil }
        guard let time = TimeText.parse(text, now: WallClock.now()) else {
            throw wrong("has a '\(name)' that is not a time: '\(text)'")
        }
        return time
    }

    private func wrong(_ why: String) -> StoreError { Self.wrong(path, why) }

    static func wrong(_ path: String, _ why: String) -> StoreError {
        StoreError(
            .badMetadata, "\(Folders.split(path).name) \(why)", path: path,
            hint: "write a JSON object with session, image, tag, location, host, labels, created, exited")
    }
}
