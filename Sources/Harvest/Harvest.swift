import Yams
public func yamlProbe() throws { _ = try Yams.load(yaml: "a: 1") }
