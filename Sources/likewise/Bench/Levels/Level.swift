// What a level is to the measurement: servers that count, callers that like, processes that can be killed.

/// A process whose death a level has to answer for.
struct LevelVictim {
    /// What is killed, for the table.
    let name: String
    /// How often.
    let kills: Int
    /// Whether the callers' connections end with it.
    let breaksConnections: Bool
    /// What a reader has to know of this figure; empty where nothing is odd.
    var note = ""
}

/// What one like costs to keep.
struct StoredBytes {
    /// Of what, and whether on disk or in memory.
    let what: String
    let aLike: Double
}

/// What all levels are given.
struct LevelContext {
    let resources: BenchResources
    /// Concurrent callers.
    let callers: Int
    /// Kills of each victim.
    let kills: Int
    /// Seconds between two writes of the write-behind level.
    let writeBehind: Double
    /// The folder of the Python environment with the Kafka client and broker.
    let environment: String
    /// Servers that are left out.
    let without: [String]

    /// A script of scripts/bench, which the levels start as their application processes.
    func script(_ name: String) throws -> String {
        let path = "scripts/bench/\(name)"
        guard ProcText.read(path) != "" else {
            throw MissingServer("\(path) is not here: run this from the root of the repository")
        }
        return path
    }
}

/// One way of counting likes. A level starts its servers when it is made, and ends them in `stop`.
protocol Level: AnyObject {
    associatedtype Caller: CallerProtocol
    /// 1 to 5, in the order of the escalation.
    static var number: Int { get }
    /// What it is, in a few words.
    static var name: String { get }
    /// The servers that it needs, as `--without` names them.
    static var needs: [String] { get }
    init(_ context: LevelContext) throws
    /// Where likes are handed on to, if the level has an event log.
    var log: (any EventLogClient)? { get }
    /// The connection of one caller.
    func connect() throws -> (CallerSocket, Caller)
    /// The count, once everything that is on its way to it has had the time to arrive.
    func count() throws -> Int
    /// What is stored, for a count of `likes`.
    func storedBytes(likes: Int) throws -> [StoredBytes]
    /// What is killed, in this order.
    var victims: [LevelVictim] { get }
    /// Makes ready for kill number `index` (from 0) of a victim; answers the seconds of load before it.
    func prepare(_ victim: LevelVictim, index: Int) throws -> Double
    /// Kills it (SIGKILL).
    func kill(_ victim: LevelVictim) throws
    /// Starts it again, and returns when likes can go on.
    func restart(_ victim: LevelVictim) throws
    /// Ends all processes.
    func stop()
}

extension Level {
    var log: (any EventLogClient)? { nil }

    func prepare(_ victim: LevelVictim, index: Int) throws -> Double {
        // At another time of the second at each kill: what runs once a second is met at another point.
        1.5 + 0.37 * Double(index)
    }
}
