/// One element of a document: its name, its own text and its children, in order.
public struct XMLElement: Sendable, Equatable {
    /// The name without a namespace's prefix.
    public var name: String
    /// The text directly inside, entities resolved, without the texts of children. Text of white space only is left out
    /// when there are children.
    public var text: String
    /// The elements inside.
    public var children: [XMLElement]

    /// Creates an element.
    public init(_ name: String, text: String = "", children: [XMLElement] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// The first child with a name.
    public subscript(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first child with a name.
    public func text(of name: String) -> String? { self[name]?.text }

    /// The children with a name.
    public func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// Why bytes are not a document that is read here.
public struct XMLFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public var message: String
    /// Where, in bytes from the start.
    public var offset: Int

    /// Both.
    public var description: String { "\(message) at byte \(offset)" }
}
