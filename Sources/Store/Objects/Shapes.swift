/// The JSON objects of the store's values, each declared once. Command line, server, `docs/json.md` and the server's OpenAPI
/// description use them.
public enum Shapes {}
