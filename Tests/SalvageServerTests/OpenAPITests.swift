import HTTPTypes
import JSON
import Model
import Testing

@testable import SalvageServer

/// The table of routes and what the document says about it.
@Suite struct OpenAPITests {
    private static func document() throws -> JSONValue {
        try JSONValue(parsing: OpenAPIDocument.make(APIRoutes.all, ServerSettings(version: "1.0", now: { 0 })))
    }

    @Test func everyRouteIsDescribed() throws {
        let document = try Self.document()
        for route in APIRoutes.all {
            let operation = try #require(document["paths"]?[route.path]?[route.method.rawValue.lowercased()])
            #expect(operation["operationId"]?.string == route.operation)
            #expect(operation["summary"]?.string?.isEmpty == false)
            let statuses = Set(operation["responses"]?.members?.map(\.name) ?? [])
            #expect(statuses.isSuperset(of: ["400", "401", "403", "404", "429", "500", "503"]), "\(route.operation)")
            for part in route.path.split(separator: "/") where part.hasPrefix("{") {
                let name = String(part.dropFirst().dropLast())
                #expect(route.parameters.contains { $0.name == name && $0.place == .path && $0.isRequired })
            }
        }
        #expect(Set(APIRoutes.all.map(\.operation)).count == APIRoutes.all.count)
    }

    @Test func everyReferenceLeadsToASchema() throws {
        let document = try Self.document()
        let known = Set(document["components"]?["schemas"]?.members?.map(\.name) ?? [])
        var references: [String] = []
        func walk(_ value: JSONValue) {
            for member in value.members ?? [] {
                if member.name == "$ref", let text = member.value.string { references.append(text) }
                walk(member.value)
            }
            for item in value.array ?? [] { walk(item) }
        }
        walk(document)
        #expect(!references.isEmpty)
        for reference in Set(references) {
            let name = reference.split(separator: "/").last.map(String.init) ?? ""
            #expect(known.contains(name), "\(reference)")
        }
    }

    @Test func aPathIsFoundByItsSegmentsAndItsMethod() throws {
        let table = APITable(APIRoutes.all)
        let found = try table.find(["sessions", "a%2Fb", "files", "3"], .get)
        #expect(found.route.operation == "file" && found.variables == ["a/b", "3"])
        #expect(try table.find(["sessions"], .head).route.operation == "sessions")
        #expect(try table.find(["symbols", "missing"], .get).route.operation == "symbols-missing")
        do {
            _ = try table.find(["signatures", "x"], .delete)
            Issue.record("a method that is not there was found")
        } catch let failure as ServerFailure {
            #expect(failure.status == .methodNotAllowed && failure.allow == "GET, PATCH, HEAD")
        }
        do {
            _ = try table.find(["nothing"], .get)
            Issue.record("a path that is not there was found")
        } catch let failure as ServerFailure {
            #expect(failure.status == .notFound)
        }
    }

    @Test func aDecisionIsReadFromItsFields() throws {
        func actions(_ text: String) throws -> DecisionRequest {
            try DecisionRequest(JSONValue(parsing: text.utf8), now: 1000)
        }
        #expect(try actions(#"{"state":"fixed","fixed_in":"1.5.0"}"#).actions == [.resolve(fixedIn: "1.5.0")])
        #expect(try actions(#"{"fixed_in":"1.5.0"}"#).actions == [.resolve(fixedIn: "1.5.0")])
        #expect(try actions(#"{"state":"ignored","until":"1s"}"#).actions == [.ignore(until: 2000, crashes: nil)])
        #expect(try actions(#"{"state":"open"}"#).actions == [.reopen])
        #expect(try actions(#"{"owner":null}"#).actions == [.assign(owner: nil)])
        #expect(try actions(#"{"note":"x"}"#).actions == [.note])
        for bad in [
            "{}", #"{"state":"gone"}"#, #"{"state":"open","fixed_in":"1"}"#, #"{"stat":"open"}"#,
            #"{"ticket":"javascript:alert(1)"}"#, #"{"crashes":0}"#, #"{"note":5}"#,
        ] {
            #expect(throws: ServerFailure.self, "\(bad)") { try actions(bad) }
        }
    }
}
