import Model
import Testing

@testable import SalvageServer

/// Addresses: queries, ids in paths, filters, cursors, names of downloads.
@Suite struct RequestTests {
    private let now: Int64 = 1_796_083_200_000

    @Test(arguments: ["a/b", "..", ".", "~", "~..", "späce ü", "%2F", "a b", "\u{0}", "100%", "?#", "é"])
    func anIdComesBackFromItsSegment(id: String) throws {
        let segment = PathSegment.encode(id)
        #expect(segment != "." && segment != ".." && !segment.contains("/"))
        let decoded = try #require(PathSegment.decode(segment))
        #expect(Array(decoded.utf8) == Array(id.utf8))
    }

    @Test func aSegmentThatIsNoIdIsRefused() {
        for segment in ["%", "%4", "%FF", ""] { #expect(PathSegment.decode(segment) == nil, "\(segment)") }
    }

    @Test func filtersOfAnAddressSelect() throws {
        let items = try QueryItems(
            "image=arena&image=duel&since=2h&label=mode%3Dduel&state=returned,lost&crashed=1&limit=7&tag=")
        let query = try SelectionQuery(items, now: now)
        #expect(query.selection.images == ["arena", "duel"] && query.selection.tags.isEmpty)
        #expect(query.selection.since == now - 7_200_000 && query.selection.crashed && query.limit == 7)
        #expect(query.selection.states == [.lost] && query.selection.signatureStates == [.returned])
        #expect(query.selection.labels == [Selection.LabelMatch(key: "mode", value: "duel")])
    }

    @Test(
        arguments: [
            "since=soon", "limit=0", "limit=1001", "limit=x", "state=broken", "crashed=maybe", "since=1h&since=2h",
            "label==x", "image=%FF",
        ])
    func aFilterThatCannotBeReadIsAnError(text: String) {
        #expect(throws: ServerFailure.self) { try SelectionQuery(QueryItems(text), now: now) }
    }

    @Test func aMisspelledFilterIsAnError() throws {
        let items = try QueryItems("imag=arena")
        #expect(throws: ServerFailure.self) { try items.check(only: ["image"]) }
    }

    @Test func aWholeListIsPaged() throws {
        var query = try SelectionQuery(QueryItems("limit=2"), now: now)
        let first = try ["a", "b", "c"].page(query) { $0 }
        #expect(Array(first.items) == ["a", "b"])
        query.cursor = first.next
        let second = try ["a", "b", "c"].page(query) { $0 }
        #expect(Array(second.items) == ["c"] && second.next == nil)
        for cursor in ["o99", "o99.000000000000", "o3.000000000000"] {
            query.cursor = cursor
            #expect(try ["a", "b", "c"].page(query) { $0 }.items.isEmpty, "\(cursor)")
        }
        for cursor in ["nonsense", "o", "o+1", "o1.", "o1.xyz", "o1.00000000000g", "o1.000000000000.", "1"] {
            query.cursor = cursor
            #expect(throws: ServerFailure.self, "\(cursor)") { try ["a"].page(query) { $0 } }
        }
    }

    @Test func anItemThatIsAddedDoesNotMoveThePages() throws {
        var query = try SelectionQuery(QueryItems("limit=2"), now: now)
        query.cursor = try ["a", "b", "c"].page(query) { $0 }.next
        #expect(Array(try ["new", "a", "b", "c", "d", "e"].page(query) { $0 }.items) == ["c", "d"])
        // Without its last item, a page is where it was.
        #expect(Array(try ["a", "x", "c"].page(query) { $0 }.items) == ["c"])
    }

    @Test func aDownloadHasASafeName() {
        #expect(
            SecurityHeaders.attachment("Game.log")
                == "attachment; filename=\"Game.log\"; filename*=UTF-8''Game.log")
        #expect(
            SecurityHeaders.attachment("a\"\r\nX: y/..\\é.log")
                == "attachment; filename=\"a___X__y_..__.log\"; filename*=UTF-8''a%22X%3A%20y..%C3%A9.log")
        #expect(SecurityHeaders.attachment("exe.\u{202E}gol\u{85}").hasSuffix("filename*=UTF-8''exe.gol"))
        #expect(SecurityHeaders.attachment("").hasPrefix("attachment; filename=\"file\""))
    }

    @Test func timesOfRequestsGoBothWays() {
        #expect(RequestTime.past("2h", now: now) == now - 7_200_000)
        #expect(RequestTime.future("2h", now: now) == now + 7_200_000)
        #expect(RequestTime.span("5s\n") == 5000)
        #expect(RequestTime.past("2026-11-20T21:00Z", now: now) == RequestTime.future("2026-11-20T21:00Z", now: now))
    }
}
