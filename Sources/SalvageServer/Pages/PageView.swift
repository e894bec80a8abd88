import Text

/// What a page gets beside the store's values: the address, the time, and who asks.
struct PageView: Sendable {
    /// Makes addresses.
    var link: PageLink
    /// The time (ms since 1970).
    var now: Int64
    /// The address's path without the base path.
    var path: String
    /// The address's query.
    var query: QueryItems
    /// Who asks.
    var identity = ServerIdentity.unknown
    /// The hidden field of forms that change something.
    var formToken = ""
    /// The server's address without the base path, for commands.
    var server = "http://localhost"
    /// Whether they signed in with a cookie, so that they can sign out.
    var hasCookie = false

    /// Whether they may do this.
    func may(_ role: ServerRole) -> Bool { identity.roles.contains(role) }

    /// This address with other values of some names; nil removes a name. The rest of the query stays.
    func here(_ changes: [(name: String, value: String?)]) -> String {
        let kept = query.pairs.filter { pair in !changes.contains { $0.name.hasSameBytes(as: pair.name) } }
        return link.path(path, kept.map { ($0.name, $0.value) } + changes.map { ($0.name, $0.value) })
    }

    /// The query's items with some of these names, for a link to another page.
    func items(_ names: [String]) -> [(String, String?)] {
        query.pairs.filter { pair in names.contains { $0.hasSameBytes(as: pair.name) } }.map { ($0.name, $0.value) }
    }
}

/// The pages of the navigation, in its order.
enum PageTab: String, CaseIterable, Sendable {
    case now = "Now"
    case crashes = "Crashes"
    case builds = "Builds"
    case sessions = "Sessions"
    case search = "Search"
    case collection = "Collection"
    case symbols = "Symbols"

    /// The path without the base path.
    var path: String { self == .now ? "/" : "/" + rawValue.lowercased() }
}

/// A page before it becomes HTML.
struct PageContent: Sendable {
    /// The template's name.
    let template: String
    /// The page's title, without the site's.
    let title: String
    /// The page of the navigation that it belongs to.
    let tab: PageTab?
    /// The template's values.
    let model: PageModel

    /// The whole page as HTML.
    func html(_ view: PageView, _ settings: ServerSettings) -> String {
        var frame: PageModel = [
            "page": .shown(template), "title": .text(title, most: 200), "site": .text(settings.title),
            "version": .text(settings.version), "base": .shown(view.link.base),
            "styleVersion": .shown(PageAssets.version(of: "style.css")),
            "scriptVersion": .shown(PageAssets.version(of: "page.js")), "formToken": .shown(view.formToken),
        ]
        if view.may(.read) {
            let items: [PageModel] = PageTab.allCases.map { item in
                [
                    "href": .shown(view.link.path(item.path)), "label": .shown(item.rawValue),
                    "isCurrent": .flag(item == tab),
                ]
            }
            frame["navigation"] = .one(["items": .list(items), "hasFind": .flag(tab != .search)])
        }
        if !view.identity.name.isEmpty {
            frame["person"] = .one([
                "personName": .text(view.identity.name, most: 60), "signOut": .flag(view.hasCookie),
            ])
        }
        return PageTemplates.render("layout", frame.with(model))
    }
}
