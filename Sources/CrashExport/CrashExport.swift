/// Sends crashes to services outside: see `SentryExport`.
