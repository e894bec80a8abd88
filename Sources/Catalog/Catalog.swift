import GRDB
public func catalogProbe() throws { _ = try DatabaseQueue() }
