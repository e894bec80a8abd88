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
        let first = try [1, 2, 3].page(query)
        #expect(Array(first.items) == [1, 2])
        query.cursor = first.next
        let second = try [1, 2, 3].page(query)
        #expect(Array(second.items) == [3] && second.next == nil)
        query.cursor = "o99"
        #expect(try [1, 2, 3].page(query).items.isEmpty)
        query.cursor = "nonsense"
        #expect(throws: ServerFailure.self) { try [1].page(query) }
    }

    @Test func aDownloadHasASafeName() {
        #expect(
            SecurityHeaders.attachment("Game.log")
                == "attachment; filename=\"Game.log\"; filename*=UTF-8''Game.log")
        #expect(
            SecurityHeaders.attachment("a\"\r\nX: y/..\\é.log")
                == "attachment; filename=\"a___X__y_..__.log\"; filename*=UTF-8''a%22X%3A%20y..%C3%A9.log")
        #expect(SecurityHeaders.attachment("").hasPrefix("attachment; filename=\"file\""))
    }

    @Test func timesOfRequestsGoBothWays() {
        #expect(RequestTime.past("2h", now: now) == now - 7_200_000)
        #expect(RequestTime.future("2h", now: now) == now + 7_200_000)
        #expect(RequestTime.span("5s\n") == 5000)
        #expect(RequestTime.past("2026-11-20T21:00Z", now: now) == RequestTime.future("2026-11-20T21:00Z", now: now))
    }
}
