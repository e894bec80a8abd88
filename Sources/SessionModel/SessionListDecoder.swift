import JSON

/// Decodes the response of session-list while it arrives and passes on each entry as soon as it is complete.
///
/// Memory is bounded by the largest single value, not by the list. For a list that `JSONDecoder` can decode as
/// ``SessionList``, the result is the same: the same entries in the same order, and the same entries left out. Two
/// exceptions: UTF-16 and UTF-32 are rejected here, and an entry larger than `maximumValue` is left out.
///
/// One bad entry does not lose the rest. An entry that is not valid JSON is repaired if its id is intact: invalid text
/// becomes U+FFFD, and invalid values are left out. Otherwise the entry is left out, and decoding continues after the
/// bracket that closes it or, if quotes are unbalanced, at the next text that decodes as an entry. Only a list whose
/// structure cannot be followed fails: one that is truncated or not an array.
public struct SessionListDecoder {
    private enum Place {
        case beginning
        case beforeKey
        case inSessions
        case afterMember
        case end
    }

    /// Largest incomplete value that is buffered, in bytes: an entry, or a field besides `sessions`.
    public let maximumValue: Int
    /// What has been read so far.
    public private(set) var summary = SessionListSummary()

    private var place = Place.beginning
    private var sawSessions = false
    private var awaitsElement = false
    private var failed: SessionListError?
    /// The entry whose end could not be found, to name it if the list fails.
    private var unended: DamagedEntry?
    private var reader: SessionEntryReader
    /// The beginning of a value whose end has not arrived.
    private var carry: [UInt8] = []
    /// Skips a value that is larger than ``maximumValue``.
    private var skip: ValueSkip?
    /// Size of `carry` at which decoding is tried again, so that a value in many pieces is not scanned for each piece.
    private var nextTry = 0

    /// Creates a decoder for one list.
    /// - Parameters:
    ///   - maximumValue: largest value that is buffered, in bytes.
    ///   - keepsEnvironment: whether ``SessionLabels/environment`` holds the container's environment.
    public init(maximumValue: Int = 8 << 20, keepsEnvironment: Bool = false) {
        self.maximumValue = maximumValue
        reader = SessionEntryReader(keepsEnvironment: keepsEnvironment)
    }

    /// Takes the next bytes of the list and passes on the entries that are complete.
    /// - Parameters:
    ///   - bytes: the next bytes, any number.
    ///   - entry: called for each entry in the list's order.
    /// - Throws: when the list is damaged. Every further call throws the same error.
    public mutating func push(
        _ bytes: UnsafeRawBufferPointer, entry: (SessionEntry) -> Void
    ) throws(SessionListError) {
        if let failed { throw failed }
        var start = 0
        while start < bytes.count {
            if skip != nil {
                guard let end = passOverLarge(UnsafeRawBufferPointer(rebasing: bytes[start...])) else { return }
                start += end
                continue
            }
            // First complete the carried-over value with as few bytes as possible.
            guard !carry.isEmpty else { break }
            let wanted = max(nextTry - carry.count, 1)
            let count = min(wanted, bytes.count - start)
            let had = carry.count
            carry.append(contentsOf: bytes[start..<start + count])
            if carry.count < nextTry { return }
            let used = try consumeCarry(entry)
            if used >= had {
                // The rest is in the new bytes, which are read in place.
                carry.removeAll(keepingCapacity: true)
                start += used - had
            } else {
                carry.removeFirst(used)
                start += count
                try schedule()
            }
        }
        guard carry.isEmpty, start < bytes.count else { return }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        let used = try consume(rest, entry)
        guard used < rest.count else { return }
        carry.append(contentsOf: rest[used...])
        try schedule()
    }

    /// Ends the list and passes on the entries that are still complete.
    /// - Throws: when the list is damaged or incomplete.
    public mutating func finish(entry: (SessionEntry) -> Void) throws(SessionListError) -> SessionListSummary {
        if let failed { throw failed }
        if skip == nil, !carry.isEmpty {
            let used = try consumeCarry(entry)
            carry.removeFirst(used)
        }
        endBehindDamage()
        guard skip == nil, place == .end, carry.isEmpty else {
            throw fail(.truncated, summary.bytes + Int64(carry.count), "the list ends before it is complete" + blame)
        }
        guard sawSessions else { throw fail(.noSessions, 0, "the response has no field sessions") }
        return summary
    }

    /// Ends a list whose last entry is so damaged that its end cannot be found: at a bracket from which the rest
    /// decodes as the end of a list.
    private mutating func endBehindDamage() {
        guard var damage = unended, skip == nil, place == .inSessions, !awaitsElement else { return }
        let text = carry
        for bracket in text.indices.reversed().lazy.filter({ text[$0] == UInt8(ascii: "]") }).prefix(64) {
            var trial = self
            trial.awaitsElement = true
            let rest = text[bracket...]
            let used = rest.withUnsafeBytes { try? trial.consume($0) { _ in } }
            guard used == rest.count, trial.place == .end else { continue }
            // Entries that cannot be separated from the damage would be dropped silently.
            let hidden = text.withUnsafeBytes {
                SessionEntryReader.nextObject(in: JSONCursor($0), from: 0, upTo: bracket)
            }
            guard hidden == nil else { return }
            damage.id = text[..<bracket].withUnsafeBytes { JSONMender($0).id }.map {
                String(decoding: $0.prefix(DamagedEntry.longestID), as: UTF8.self)
            }
            reject(damage)
            summary.bytes += Int64(text.count)
            carry = []
            place = .end
            return
        }
    }

    private mutating func schedule() throws(SessionListError) {
        nextTry = max(1024, carry.count * 2)
        guard carry.count > maximumValue else { return }
        guard place == .inSessions && !awaitsElement || place == .beforeKey else {
            throw fail(.tooLarge, summary.bytes, "a single value is larger than \(maximumValue) bytes" + blame)
        }
        if place == .inSessions {
            let position = summary.entries + summary.rejected + 1
            // The id is usually near the start.
            let id = carry.prefix(64 << 10).withUnsafeBytes { JSONMender($0).id }
            reject(
                DamagedEntry(
                    position: position, offset: summary.bytes,
                    id: id.map { String(decoding: $0.prefix(DamagedEntry.longestID), as: UTF8.self) },
                    reason: "it is larger than \(maximumValue) bytes", wasTaken: false))
        }
        unended = nil
        skip = ValueSkip()
        let large = carry
        carry = []
        if let end = large.withUnsafeBytes({ passOverLarge($0) }) {
            carry = Array(large[end...])
            nextTry = 0
        }
    }

    /// Skips bytes of a value that is too large. Returns where it ends, nil when it continues.
    private mutating func passOverLarge(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let end = skip?.end(in: bytes)
        summary.bytes += Int64(end ?? bytes.count)
        guard let end else { return nil }
        skip = nil
        if place == .inSessions { awaitsElement = true } else { place = .afterMember }
        return end
    }

    /// Names the damaged entry that may be why the list does not end; empty when there is none.
    private var blame: String {
        unended.map { "; entry \($0.position), at byte \($0.offset), is damaged: \($0.reason)" } ?? ""
    }

    private mutating func consumeCarry(_ entry: (SessionEntry) -> Void) throws(SessionListError) -> Int {
        let pending = carry
        let outcome: Result<Int, SessionListError> = pending.withUnsafeBytes { bytes in
            do throws(SessionListError) { return .success(try consume(bytes, entry)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    private mutating func fail(_ code: SessionListError.Code, _ offset: Int64, _ message: String) -> SessionListError {
        let error = SessionListError(code: code, offset: offset, message: message)
        failed = error
        return error
    }

    /// Reads all complete items in the bytes and returns the number of bytes they take.
    private mutating func consume(
        _ bytes: UnsafeRawBufferPointer, _ entry: (SessionEntry) -> Void
    ) throws(SessionListError) -> Int {
        var cursor = JSONCursor(bytes, acceptsTrailingComma: true)
        var done = 0
        do throws(JSONFault) {
            while true {
                guard try step(&cursor, entry) else { break }
                done = cursor.position
            }
            done = cursor.position
        } catch {
            if !error.isIncomplete {
                if place == .beginning, error.offset < bytes.count, bytes[error.offset] == UInt8(ascii: "<") {
                    throw fail(.markup, summary.bytes + Int64(error.offset), "the response is HTML or XML, not JSON")
                }
                throw fail(
                    error.kind == .unexpected ? .noSessions : .malformed, summary.bytes + Int64(error.offset),
                    String(describing: error.reason))
            }
        }
        summary.bytes += Int64(done)
        return done
    }

    /// Reads one item. False at the end of the bytes after a complete list.
    private mutating func step(_ cursor: inout JSONCursor, _ entry: (SessionEntry) -> Void) throws(JSONFault) -> Bool {
        switch place {
        case .beginning: try begin(&cursor)
        case .beforeKey: try member(&cursor)
        case .inSessions: try element(&cursor, entry)
        case .afterMember:
            place = try cursor.another(closing: UInt8(ascii: "}")) ? .beforeKey : .end
        case .end:
            guard cursor.atEnd() else { throw .malformed("unexpected data after the list", at: cursor.position) }
            return false
        }
        return true
    }

    private mutating func begin(_ cursor: inout JSONCursor) throws(JSONFault) {
        // A byte order mark is not JSON, but JSONDecoder accepts it.
        if cursor.position == 0, cursor.end > 0, cursor.byte(0) == 0xEF {
            guard cursor.end >= 3 else { throw .ended(at: cursor.end) }
            guard cursor.byte(1) == 0xBB, cursor.byte(2) == 0xBF else { throw .malformed("expected a value", at: 0) }
            cursor.position = 3
        }
        guard try cursor.token() == UInt8(ascii: "{") else {
            let start = cursor.position
            try cursor.skipValue(depth: 0)
            throw .unexpected("the response is not an object", at: start)
        }
        place = try cursor.enter(closing: UInt8(ascii: "}"), depth: 0) ? .beforeKey : .end
    }

    private mutating func member(_ cursor: inout JSONCursor) throws(JSONFault) {
        let key = try cursor.key()
        guard !sawSessions, isSessions(key, cursor) else {
            let start = cursor.position
            do throws(JSONFault) {
                try cursor.skipValue(depth: 1)
            } catch {
                // The value is not used; the list continues after it.
                guard !error.isIncomplete else { throw error }
                cursor.position = try cursor.damagedEnd(from: start)
            }
            place = .afterMember
            return
        }
        guard try cursor.token() == UInt8(ascii: "[") else {
            let start = cursor.position
            try cursor.skipValue(depth: 1)
            throw .unexpected("the field sessions is not an array", at: start)
        }
        place = try cursor.enter(closing: UInt8(ascii: "]"), depth: 1) ? .inSessions : .afterMember
        sawSessions = true
    }

    private func isSessions(_ key: JSONStringSpan, _ cursor: JSONCursor) -> Bool {
        cursor.matches(key, "sessions", in: keyScratch)
    }

    private mutating func element(_ cursor: inout JSONCursor, _ entry: (SessionEntry) -> Void) throws(JSONFault) {
        if awaitsElement {
            do throws(JSONFault) {
                if try !cursor.another(closing: UInt8(ascii: "]")) { place = .afterMember }
                awaitsElement = false
            } catch {
                guard !error.isIncomplete else { throw error }
                try passOver(error, &cursor)
            }
            return
        }
        _ = try cursor.token()
        let start = cursor.position
        let position = summary.entries + summary.rejected + 1
        do throws(JSONFault) {
            if let session = try reader.read(&cursor, depth: 2) {
                if let damage = reader.labelDamage { noteLabels(damage, of: session, position, at: start) }
                summary.entries += 1
                entry(session)
            } else {
                let place = summary.bytes + Int64(start)
                reject(
                    DamagedEntry(position: position, offset: place, id: nil, reason: "no usable id", wasTaken: false))
            }
        } catch {
            guard !error.isIncomplete else { throw error }
            try mend(error, at: start, position, &cursor, entry)
        }
        awaitsElement = true
    }

    /// Counts an entry as repaired because of the JSON text inside its labels.
    private mutating func noteLabels(_ damage: StaticString, of session: SessionEntry, _ position: Int, at start: Int) {
        summary.mended += 1
        note(
            DamagedEntry(
                position: position, offset: summary.bytes + Int64(start),
                id: String(decoding: session.id.utf8.prefix(DamagedEntry.longestID), as: UTF8.self),
                reason: "the JSON text inside a label: \(damage)", wasTaken: true))
    }

    /// Skips invalid bytes between two elements.
    private mutating func passOver(_ fault: JSONFault, _ cursor: inout JSONCursor) throws(JSONFault) {
        if cursor.byte(cursor.position) == UInt8(ascii: "{") {
            // Only the comma is missing.
            awaitsElement = false
            return
        }
        let start = cursor.position
        var end = try cursor.damagedEnd(from: start)
        // Otherwise an unmatched brace would be found again and again.
        if end == start { end += 1 }
        cursor.position = end
        let position = summary.entries + summary.rejected + 1
        let place = summary.bytes + Int64(start)
        reject(
            DamagedEntry(
                position: position, offset: place, id: nil, reason: String(describing: fault.reason), wasTaken: false))
    }

    /// Repairs an element that is not valid JSON as far as possible, and moves past it.
    private mutating func mend(
        _ fault: JSONFault, at start: Int, _ position: Int, _ cursor: inout JSONCursor, _ entry: (SessionEntry) -> Void
    ) throws(JSONFault) {
        let place = summary.bytes + Int64(start)
        var damage = DamagedEntry(
            position: position, offset: place, id: nil, reason: String(describing: fault.reason), wasTaken: false)
        let end: Int
        do throws(JSONFault) {
            end = try cursor.damagedEnd(from: start)
        } catch {
            // An unbalanced quote swaps text and structure. Trust only what decodes as an entry.
            guard let next = reader.nextEntry(in: cursor, from: start, upTo: cursor.end) else {
                unended = damage
                throw error
            }
            end = next
        }
        unended = nil
        cursor.position = end
        if end == start, end < cursor.end, cursor.byte(end) == UInt8(ascii: "}") { cursor.position += 1 }
        let mender = JSONMender(UnsafeRawBufferPointer(start: cursor.base + start, count: end - start))
        damage.id = mender.id.map { String(decoding: $0.prefix(DamagedEntry.longestID), as: UTF8.self) }
        let session: SessionEntry? = mender.output.withUnsafeBytes { bytes in
            var inner = JSONCursor(bytes, acceptsTrailingComma: true)
            guard let read = try? reader.read(&inner, depth: 2), inner.atEnd() else { return nil }
            return read
        }
        guard let session, mender.idWasReplaced == false else {
            if mender.idWasReplaced == true { damage.reason += ", and the id is damaged" }
            if session == nil, let next = reader.nextEntry(in: cursor, from: start, upTo: end) {
                cursor.position = next
            }
            reject(damage)
            return
        }
        damage.wasTaken = true
        summary.mended += 1
        summary.entries += 1
        note(damage)
        entry(session)
    }

    private mutating func reject(_ damage: DamagedEntry) {
        summary.rejected += 1
        note(damage)
    }

    private mutating func note(_ damage: DamagedEntry) {
        if summary.damaged.count < SessionListSummary.damagedKept { summary.damaged.append(damage) }
    }

    private let keyScratch = JSONScratch(capacity: 64)
}
