import Mustache

/// The embedded templates, parsed once.
enum PageTemplates {
    /// Renders a template with its values.
    static func render(_ name: String, _ model: PageModel) -> String {
        // Every template is embedded, and a test renders each.
        library.render(model, withTemplate: name) ?? ""
    }

    /// Each template begins with the name of ``PageEscaping``, because the engine's own escaping skips a quote that a combining
    /// mark follows: for it both are one character.
    private static let library: MustacheLibrary = {
        MustacheContentTypes.register(PageEscaping(), named: "SALVAGE")
        var library = MustacheLibrary()
        for asset in PageAssets.all where asset.name.hasSuffix(".mustache") {
            let name = String(asset.name.dropLast(".mustache".count))
            let text = "{{% CONTENT_TYPE:SALVAGE}}\n" + String(decoding: asset.bytes, as: UTF8.self)
            do {
                try library.register(text, named: name)
            } catch {
                preconditionFailure("the template \(name) cannot be parsed: \(error)")
            }
        }
        return library
    }()
}

/// Escapes the characters of markup, byte by byte.
private struct PageEscaping: MustacheContentType {
    func escapeText(_ text: String) -> String { Markup.escaped(text) }
}

extension PageModel: MustacheParent {
    func child(named name: String) -> Any? {
        switch self[name] {
        case nil: nil
        case .shown(let text): text
        case .flag(let flag): flag
        case .one(let model): model
        case .list(let models): models
        }
    }
}
