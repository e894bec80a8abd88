extension TableColumn {
    /// What a column is if its declaration says no more than its heading: the same heading means the same in every listing.
    struct Defaults {
        var priority = TableColumn.usual
        var cut = Cut.none
        var minimum = 12
        var isTime = false

        /// The defaults of a heading.
        static func of(_ title: String) -> Defaults {
            switch title {
            case "SIGNATURE": Defaults(priority: 0, cut: .middle, minimum: 24)
            case "SESSION": Defaults(priority: 0, cut: .middle)
            case "PATH", "BUILD ID", "IDENTITY": Defaults(priority: 0, cut: .middle, minimum: 16)
            case "BUILD": Defaults(priority: 0, cut: .middle)
            case "CRASH": Defaults(priority: 1, cut: .middle, minimum: 10)
            case "ARTIFACT", "MODULE": Defaults(priority: 1, cut: .middle)
            case "CHANGE": Defaults(priority: 0)
            case "STATE", "SHARE", "WHAT": Defaults(priority: 1)
            case "ENDED BY": Defaults(priority: 1, cut: .end, minimum: 16)
            case "TIME": Defaults(priority: 1, isTime: true)
            case "ENDED", "MODIFIED": Defaults(priority: 2, isTime: true)
            case "LAST TRY", "NEXT TRY": Defaults(priority: 3, isTime: true)
            case "LAST SEEN": Defaults(priority: 4, isTime: true)
            case "FIRST SEEN", "BEGAN", "CREATED": Defaults(priority: 5, isTime: true)
            case "REASON", "OUTCOME", "NOTE": Defaults(priority: 2, cut: .end, minimum: 16)
            case "CRASHES", "CRASHED", "NEW": Defaults(priority: 2)
            case "TAG", "FIRST BUILD", "TICKET", "WHO": Defaults(priority: 3, cut: .end)
            case "LOCATION", "LAST BUILD": Defaults(priority: 4, cut: .end)
            case "IMAGE", "TICKET/OWNER", "TAGS", "BUILDS": Defaults(priority: 5, cut: .end)
            case "REGIONS", "LOCATIONS", "SIZE", "BYTES": Defaults(priority: 6, cut: .end)
            case "IMAGES", "MEMBERS": Defaults(priority: 7, cut: .end)
            default: Defaults()
            }
        }
    }
}
