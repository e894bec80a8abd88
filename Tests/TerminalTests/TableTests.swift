import Calendar
import Testing

@testable import Terminal

/// Tables on terminals of every width.
@Suite struct TableTests {
    private static let columns: [TableColumn] = [
        .text("SESSION", priority: 0, cut: .middle), .text("IMAGE", priority: 5), TableColumn("STATE", priority: 1),
        .number("CRASHES", priority: 2), .number("SIZE", key: "bytes", priority: 6),
        .text("SIGNATURE", priority: 1, cut: .middle, minimum: 24),
    ]

    private static let rows: [[String]] = [
        [
            "0f4c1a52-7d7c-4e0e-9a0b-5a2f0c9a7f11", "eu-registry/shooter", "harvested", "1", "97.4 MiB",
            "AShooterCharacter::ApplyDamage|UWorld::Tick|FEngineLoop::Tick",
        ],
        ["raid-1", "lobby", "lost", "-", "0 B", "日本語の名前日本語の名前日本語の名前"],
    ]

    private static func lines(_ width: Int?, showing: [Int]? = nil, charset: Charset = .utf8) -> [String] {
        var table = Table(columns, showing: showing)
        for row in rows { table.add(row.map { Table.Cell($0) }) }
        return table.lines(Style(isEnabled: false, charset: charset, width: width))
    }

    @Test func withoutATerminalNothingIsCut() {
        let lines = Self.lines(nil)
        #expect(lines.count == 3)
        #expect(lines[1].contains(Self.rows[0][0]) && lines[1].hasSuffix(Self.rows[0][5]))
    }

    @Test func everyLineFitsAndEveryHeadingIsWhole() {
        for charset in [Charset.utf8, .ascii] {
            for width in 10...200 {
                let lines = Self.lines(width, charset: charset)
                // The names of what is not shown are never cut.
                let fitted = width < 14 ? lines.filter { !$0.hasPrefix("  ") } : lines
                #expect(fitted.allSatisfy { DisplayWidth.of($0) <= width }, "\(width): \(lines)")
                let headings = lines[0].split(separator: " ").map(String.init)
                let titles = Self.columns.map(\.title)
                if width >= 12 { #expect(headings.allSatisfy { titles.contains($0) }, "\(width): \(headings)") }
                #expect(width < 10 || headings.first == "SESSION" || headings.first?.hasPrefix("SESS") == true)
            }
        }
    }

    @Test func cellsAreCutBeforeColumnsAreLeftOut() {
        let wide = Self.lines(120)
        #expect(wide.count == 3 && wide[0].contains("IMAGE") && wide[1].contains("…"))
        let narrow = Self.lines(60)
        #expect(!narrow[0].contains("SIZE") && narrow[0].contains("SIGNATURE"))
        #expect(narrow.last?.contains("not shown: ") == true && narrow.last?.contains("SIZE") == true)
    }

    @Test func namedColumnsAreShownInTheirOrder() {
        let lines = Self.lines(nil, showing: [4, 0])
        #expect(lines[0].split(separator: " ") == ["SIZE", "SESSION"])
        #expect(lines[2].hasSuffix("0 B  raid-1"))
        // The user asked for them.
        #expect(!Self.lines(30, showing: [0, 1, 2, 3, 4, 5]).contains { $0.contains("not shown") })
    }

    @Test func aHeadingAloneSaysWhatAColumnIs() {
        let columns: [TableColumn] = ["SIGNATURE", "ENDED", "STATE", .number("SIZE"), "ANYTHING"]
        #expect(columns.map(\.priority) == [0, 2, 1, 6, TableColumn.usual])
        #expect(columns.map(\.isTime) == [false, true, false, false, false])
        #expect(columns[0].cut == .middle && columns[4].cut == .none && columns[3].isNumber)
    }

    @Test func columnsHaveTheNamesOfJSONFieldsAndOfHeadings() {
        let column = TableColumn.number("FIRST SEEN", key: "first_seen")
        for name in ["first_seen", "FIRST SEEN", "First-Seen"] { #expect(column.isNamed(name)) }
        #expect(!column.isNamed("first") && TableColumn("14 DAYS").key == "14_days")
    }

    @Test(arguments: [
        ("short", 10, "short"), ("AShooterCharacter::ApplyDamage", 20, "AShooterCh…plyDamage"),
        ("Foo::alpha_beta::gamma::bar", 15, "Foo::al…ma::bar"),
        ("/game/Saved/Logs/Shooter.log", 17, "/game/Sa…ter.log"),
        ("abcdef", 1, "a"), ("abcdef", 2, "a…"), ("日本語日本語", 7, "日…本語"),
    ])
    func aCutInTheMiddleKeepsBothEnds(_ text: String, _ width: Int, _ expected: String) {
        let cut = DisplayWidth.cut(text, to: width, .middle, .utf8)
        #expect(DisplayWidth.of(cut) <= width)
        #expect(cut.first == expected.first && cut.last == expected.last && cut.contains("…") == expected.contains("…"))
    }

    @Test func aCutAtTheEndHasAnEllipsis() {
        #expect(DisplayWidth.cut("no space left on device", to: 12, .end, .utf8) == "no space le…")
        #expect(DisplayWidth.cut("no space left on device", to: 12, .end, .ascii) == "no space ...")
        #expect(DisplayWidth.cut("1.3.9 1.4.0 … (7)", to: 14, .end, .utf8) == "1.3.9 1.4.0 …")
        #expect(DisplayWidth.cut("1.3.9 1.4.0 ... (7)", to: 19, .end, .ascii) == "1.3.9 1.4.0 ... (7)")
        #expect(DisplayWidth.cut("1.3.9 1.4.0 ... (7)", to: 18, .end, .ascii) == "1.3.9 1.4.0 ...")
        #expect(DisplayWidth.cut("gro\u{308}ße", to: 4, .end, .utf8) == "gro\u{308}…")
    }

    @Test func aVeryWideCellIsLaidOutAtOnce() {
        let columns = [TableLayout.Column(natural: 10_000_000, least: 10, priority: 0)]
        #expect(TableLayout(columns, available: 80).widths == [80])
        #expect(TableLayout(columns, available: nil).widths == [10_000_000])
    }

    @Test func aHeadingOfTimesNamesTheZone() {
        #expect(TableColumn.time("ENDED").heading.hasPrefix("ENDED ("))
        let zone = TimeExpressionZone.newYork
        #expect(TimeText.zoned(0, zone) == "1969-12-31 19:00:00 EST")
        #expect(TimeText.range(0, 3_600_000, zone) == "1969-12-31 19:00:00 to 1969-12-31 20:00:00 EST")
        #expect(TimeText.table(.min, zone).hasPrefix("-") || TimeText.table(.min, zone).hasPrefix("0000"))
        #expect(TimeText.table(.max, .utc) == "9999-12-31 23:59:59")
    }
}

/// A zone of the tests.
private enum TimeExpressionZone {
    static let newYork = TimeZoneRules(fixed: .init(seconds: -18_000, name: "EST"))
}
