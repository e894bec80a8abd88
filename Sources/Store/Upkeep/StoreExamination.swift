import Catalog
import Files
import Glibc
import Harvest
import Model
public import SalvageConfiguration
import Terminal
import Text

extension Store {
    /// Checks the store: permissions, free space, catalog, leftovers, and whether deadlines can be met. Changes nothing. For a
    /// shared store, this machine's folder, the database and the bucket; `verify` compares packs with the catalog.
    ///
    /// - Parameters:
    ///   - configuration: has limits and rules.
    ///   - interval: how often a harvest runs, in milliseconds; nil for the configuration's interval.
    ///   - now: the current time, in milliseconds since 1970.
    public func examine(_ configuration: Configuration, interval: Int64?, now: Int64) -> [Finding] {
        let examination = StoreExamination(store: self, configuration: configuration, interval: interval, now: now)
        return isShared ? examination.sharedFindings : examination.findings
    }
}

/// Checks a store.
private struct StoreExamination {
    let opened: Store
    let configuration: Configuration
    let interval: Int64?
    let now: Int64

    init(store: Store, configuration: Configuration, interval: Int64?, now: Int64) {
        opened = store
        self.configuration = configuration
        self.interval = interval
        self.now = now
    }

    private var store: String { opened.path }

    var findings: [Finding] {
        var info = stat()
        guard stat(store, &info) == 0 else {
            return [
                errno == ENOENT
                    ? .note("store", "\(store) does not exist yet; the first harvest creates it")
                    : .failure("store", "\(store) cannot be read: \(String(cString: strerror(errno)))")
            ]
        }
        var findings = rights(info)
        findings.append(room)
        let remains = RemainsExamination(opened)
        findings += remains.spool
        findings += remains.packs
        if let problem = Catalog.headerProblem(store: store) {
            findings.append(
                .failure(
                    "catalog", "the catalog is damaged: \(problem)", hint: "salvage reindex rebuilds it from the packs")
            )
        }
        do {
            let catalog = try opened.catalog()
            let status = try catalog.status()
            let sessions = status.sessions.values.reduce(0, +)
            findings.append(
                .ok("catalog", "\(counted(status.packs, "pack")), \(counted(sessions, "session")) in the ledger"))
            findings += try remains.findings(catalog)
            if let words = try PackBacklog(catalog).words {
                findings.append(
                    .warning(
                        "not_packed", words,
                        hint: "check memory, ulimit -n and the disk; the next harvest tries again"))
            }
            findings += try deadlines(status, try catalog.flow(now: now))
            findings += try AbsentPath.find(in: catalog, by: configuration, now: now).map {
                .warning("rules", $0.message, hint: $0.hint)
            }
        } catch let error as CatalogError where error.code == .missing {
            findings.append(remains.withoutCatalog(error))
        } catch let error as CatalogError where error.code == .older {
            findings.append(.warning("catalog", error.message, hint: error.hint))
        } catch {
            let error = StoreError(error)
            findings.append(
                .failure(
                    "catalog", error.message,
                    hint: error.hint ?? "salvage reindex rebuilds it from the packs"))
        }
        return findings
    }

    var sharedFindings: [Finding] {
        var findings: [Finding] = []
        var info = stat()
        if stat(store, &info) == 0 {
            if let complaint = LocalFolder.complaint(info) {
                findings.append(.failure("store", "\(store) \(complaint.why)", hint: complaint.hint(store)))
            } else {
                findings += rights(info)
            }
            findings.append(room)
            findings += RemainsExamination.spool(of: store)
        } else if errno == ENOENT {
            findings.append(.note("store", "\(store) does not exist yet; the first command creates it"))
        } else {
            findings.append(.failure("store", "\(store) cannot be read: \(String(cString: strerror(errno)))"))
        }
        do {
            let catalog = try opened.catalog()
            findings += DatabaseExamination(facts: try catalog.databaseFacts()).findings
            findings += BucketExamination(opened).findings
            let status = try catalog.status()
            let sessions = status.sessions.values.reduce(0, +)
            findings.append(
                .ok("catalog", "\(counted(status.packs, "pack")), \(counted(sessions, "session")) in the ledger"))
            findings += FleetExamination(try catalog.fleetStatus()).findings
            findings += try deadlines(status, try catalog.flow(now: now))
            findings += try AbsentPath.find(in: catalog, by: configuration, now: now).map {
                .warning("rules", $0.message, hint: $0.hint)
            }
        } catch {
            let error = StoreError(error)
            let isEmpty = error.code.rawValue == CatalogError.Code.missing.rawValue
            findings.append(
                isEmpty
                    ? .note("database", error.message, hint: error.hint)
                    : .failure("database", error.message + (error.path.map { " (\($0))" } ?? ""), hint: error.hint))
        }
        return findings
    }

    private func rights(_ info: stat) -> [Finding] {
        guard info.st_mode & S_IFMT == S_IFDIR else { return [.failure("store", "\(store) is not a folder")] }
        guard access(store, W_OK | X_OK) == 0 else {
            return [.failure("store", "\(store) is not writable", hint: "run as its owner, or change the owner")]
        }
        guard info.st_mode & 0o077 == 0 else {
            return [
                .warning(
                    "store",
                    "\(store) is open to users other than its owner (mode \(String(info.st_mode & 0o777, radix: 8)))",
                    hint: "chmod 700 \(store): logs and dumps may contain private data")
            ]
        }
        let holder = StoreLock.holder(of: store).map { "; in use by process \($0)" } ?? ""
        return [.ok("store", "\(store), open to its owner only\(holder)")]
    }

    private var room: Finding {
        guard let space = try? Folders.space(store) else {
            return .warning("room", "the free space on the disk is unknown")
        }
        let reserve = configuration.limits.reserve
        let words = "\(SizeText.binary(space.free)) free, reserve \(SizeText.binary(reserve))"
        if space.free < reserve {
            return .failure("room", words + ": no download starts", hint: "free some space: salvage prune --dry-run")
        }
        // File systems such as btrfs have no fixed number of inodes and report none at all.
        let isShortOfInodes = space.freeInodes.map { $0 < 1000 } ?? false
        if space.free < reserve &* 4 || isShortOfInodes {
            let inodes = space.freeInodes.map { ", \(counted($0, "inode")) free" } ?? ""
            return .warning("room", words + inodes, hint: "salvage prune --dry-run")
        }
        return .ok("room", words)
    }

    private func deadlines(_ status: StoreStatus, _ flow: LedgerFlow) throws -> [Finding] {
        let forecast = DeadlineForecast(
            DeadlineForecast.Facts(
                interval: interval ?? configuration.poll.all, retention: configuration.retention,
                backlog: status.backlog, timeLeft: status.nextDeadline.map { $0 - now },
                exitsPerHour: flow.exitsBusiestHour,
                artifactsPerSession: configuration.rules.map(\.artifacts.count).max() ?? 0,
                artifactsPerMinute: configuration.limits.artifactsPerMinute,
                logsPerMinute: configuration.limits.logsPerMinute))
        var findings = forecast.obstacles.map {
            Finding.warning(
                "deadlines", $0, hint: "poll more often, raise limits.requests_per_minute, or sample")
        }
        if forecast.obstacles.isEmpty {
            let left = status.nextDeadline.map { ", nearest deadline in \(TimeText.span(max(0, $0 - now)))" } ?? ""
            findings.append(
                .ok(
                    "deadlines",
                    "backlog of \(counted(status.backlog, "artifact")), \(counted(flow.exitsBusiestHour, "exit")) in the "
                        + "busiest hour of the last day\(left)"))
        }
        if flow.overdue > 0 {
            findings.append(
                .warning(
                    "overdue",
                    "\(counted(flow.overdue, "session is past its", "sessions are past their")) deadline and not done",
                    hint: "is a harvest running? salvage status"))
        }
        if flow.lostLastDay > 0 {
            findings.append(
                .warning(
                    "lost", "\(counted(flow.lostLastDay, "session was", "sessions were")) lost in the last day",
                    hint: "salvage coverage --since 1d"))
        }
        return findings
    }
}
