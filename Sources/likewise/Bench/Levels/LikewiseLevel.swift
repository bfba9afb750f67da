/// Level 5: Likewise itself, one process, over HTTP, every like synced before its answer.
final class LikewiseLevel: Level {
    static let number = 5
    static let name = "Likewise, embedded"
    static let needs: [String] = []

    let victims: [LevelVictim]
    private let resources: BenchResources
    private let folder: String
    private var server: LikewiseServer

    init(_ context: LevelContext) throws {
        resources = context.resources
        folder = try context.resources.folder("likewise-level")
        server = try LikewiseServer(context.resources, dataDirectory: folder)
        victims = [LevelVictim(name: "likewise", kills: context.kills, breaksConnections: true)]
    }

    func connect() throws -> (CallerSocket, LikewiseCaller) {
        (CallerSocket(try BenchConnection(port: server.port)), LikewiseCaller(port: server.port))
    }

    func count() throws -> Int { try server.count(of: LoadNames.content) ?? 0 }

    func storedBytes(likes: Int) throws -> [StoredBytes] {
        _ = try server.waitForLedger(seconds: 60)
        let log = FileBytes.written(below: "\(folder)/log")
        let ledger = FileBytes.written(below: folder) - log
        return [
            StoredBytes(what: "disk, ledger", aLike: Double(ledger) / Double(likes)),
            StoredBytes(what: "disk, log kept for 7 days", aLike: Double(log) / Double(likes)),
        ]
    }

    func kill(_ victim: LevelVictim) { server.process.kill() }
    func restart(_ victim: LevelVictim) throws { server = try LikewiseServer(resources, dataDirectory: folder) }
    func stop() { server.process.kill() }
}
