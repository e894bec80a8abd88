import Catalog
import JSON
import Model
import Store
import Terminal
import Testing

@testable import SalvageCommands

/// The columns of listings and the names that `--columns` takes.
@Suite struct ColumnChoiceTests {
    private static let listings: [[Column]] = [
        SessionRecord.columns, ListedCrash.columns, MemberRow.columns, CoverageGap.columns, ArtifactRecord.columns,
        RequestRecord.columns, ChangeRow.columns, TopRow.columns, BuildRow.columns, DecisionRow.columns,
    ]

    @Test func columnsHaveDistinctNamesAndOneIsAlwaysShown() {
        for columns in Self.listings {
            let names = Set(columns.map(\.key))
            #expect(names.count == columns.count, "\(columns.map(\.key))")
            #expect(columns.contains { $0.priority == 0 }, "\(names)")
            #expect(columns.allSatisfy { !$0.title.isEmpty && $0.title == $0.title.uppercased() })
            for column in columns { #expect(columns.filter { $0.isNamed(column.title) }.count == 1, "\(column.title)") }
        }
    }

    @Test func columnsAreNamedAsTheFieldsOfTheirObjects() {
        func names(_ columns: [Column], _ fields: [String], _ others: Set<String> = []) {
            let unknown = Set(columns.map(\.key)).subtracting(fields).subtracting(others)
            #expect(unknown.isEmpty, "\(unknown)")
        }
        names(SessionRecord.columns, Shapes.session.descriptions.map(\.name))
        names(TopRow.columns, Shapes.signature.descriptions.map(\.name))
        names(ChangeRow.columns, Shapes.change.descriptions.map(\.name))
        // The share of sessions that crashed is 1 - `crash_free`.
        names(BuildRow.columns, Shapes.build.descriptions.map(\.name), ["share"])
        names(DecisionRow.columns, Shapes.decision.descriptions.map(\.name))
    }

    @Test func columnsAreChosenByFieldOrHeading() throws {
        let columns = SessionRecord.columns
        let chosen = try #require(try ColumnChoice.indices(["TAG", "exited", "Session", "tag"], of: columns))
        #expect(chosen.map { columns[$0].title } == ["TAG", "ENDED", "SESSION"])
        #expect(try ColumnChoice.indices([], of: columns) == nil)
        let failure = #expect(throws: Failure.self) { try ColumnChoice.indices(["tag", "a\u{1B}b"], of: columns) }
        #expect(failure?.status == .usage && failure?.message.contains("a\\x1bb") == true)
        #expect(failure?.hint?.contains("session,") == true)
    }

    @Test func globalFlagsMayStandBeforeTheCommand() {
        #expect(
            GlobalFlagOrder.moveBehindCommand(["--utc", "--no-pager", "--columns", "tag", "crashes", "top", "--json"])
                == ["crashes", "top", "--utc", "--no-pager", "--columns", "tag", "--json"])
    }
}
