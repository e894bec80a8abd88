public import Notify

extension Store {
    /// What waits in the outbox of notifications, by channel.
    ///
    /// - Throws: ``StoreError`` with the code `outbox_unusable`.
    public func channelReports() throws(StoreError) -> OutboxReport {
        do throws(NotifyError) { return try OutboxReport(store: path) } catch { throw StoreError(error) }
    }
}

extension StoreError {
    /// Converts an error of the notifications.
    public init(_ error: NotifyError) {
        self.init(
            Code(rawValue: error.code.rawValue), error.message, path: error.path, hint: error.hint,
            kind: error.code == .unknownChannel ? .invalid : .failed)
    }
}
