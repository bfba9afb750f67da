// Which brokers can be reached, from librdkafka's own changes of state, so that an outage is told once when it begins
// and once when it ends: a client tries again many times a second.

import CKafka
import Logging
import Synchronization

/// What is known of the brokers. Pure: told of changes, it answers what is worth saying.
package struct KafkaBrokerStates {
    /// What is worth telling, with the broker that it is about.
    package enum Change: Equatable {
        case down(String)
        case allDown(String)
        case up(String)
    }

    private enum Reach { case untried, up, down }

    /// The most brokers that are kept apart, more than clusters have; later ones are not watched.
    static let limit = 1024

    /// By address, of those that the operator named; they count until the cluster has said which brokers it has, by
    /// number.
    private var named: [String: Reach] = [:]
    private var members: [Int32: Reach] = [:]
    /// It was told that none can be reached.
    private var isOut = false

    /// Nothing is known yet.
    package init() {}

    /// How many brokers there are.
    package var known: Int { members.isEmpty ? named.count : members.count }
    /// How many a connection is up to.
    package var up: Int { members.isEmpty ? count(.up, named.values) : count(.up, members.values) }
    private var down: Int { members.isEmpty ? count(.down, named.values) : count(.down, members.values) }

    /// A broker's connection is in the state that librdkafka calls `state`; its number is -1 where it is not known. A
    /// client connects to those that it needs, so that one which was never tried is neither up nor down.
    package mutating func changed(_ number: Int32, _ address: String, to state: String) -> Change? {
        guard !Self.isRole(address), known < Self.limit else { return nil }
        let reach: Reach = state == "UP" || state == "UPDATE" ? .up : state == "DOWN" ? .down : .untried
        let isNamed = number < 0
        let was = isNamed ? named[address] : members[number]
        guard reach != .untried || was == nil else { return nil }
        if isNamed { named[address] = reach } else { members[number] = reach }
        if isNamed && !members.isEmpty { return nil }
        return change(of: address, from: was ?? .untried, to: reach)
    }

    private mutating func change(of address: String, from was: Reach, to reach: Reach) -> Change? {
        guard reach != was else { return nil }
        switch reach {
        case .up:
            defer { isOut = false }
            return was == .down || isOut ? .up(address) : nil
        case .down where down < known: return .down(address)
        case .down:
            defer { isOut = true }
            return isOut ? nil : .allDown(address)
        case .untried: return nil
        }
    }

    private func count(_ reach: Reach, _ brokers: some Collection<Reach>) -> Int { brokers.count { $0 == reach } }

    /// Not a broker but what one does for a group, on a connection of its own.
    private static func isRole(_ address: String) -> Bool {
        address.hasPrefix(":") || address.hasPrefix("GroupCoordinator") || address.hasPrefix("TxnCoordinator")
    }
}

/// Hears of the brokers of one handle, on librdkafka's threads, and logs what changes.
final class KafkaBrokerMonitor: Sendable {
    private struct State {
        var brokers = KafkaBrokerStates()
        var isEnding = false
    }

    private let state = Mutex(State())
    private let library: KafkaLibrary
    private let logger: Logger

    init(library: KafkaLibrary, logger: Logger) {
        self.library = library
        self.logger = logger
    }

    var counts: (known: Int, up: Int) { state.withLock { ($0.brokers.known, $0.brokers.up) } }

    /// The handle is about to end, and its connections with it: no outage.
    func end() { state.withLock { $0.isEnding = true } }

    /// Has librdkafka tell this monitor, which has to outlive the handle.
    func watch(_ configuration: OpaquePointer) {
        let opaque = Unmanaged.passUnretained(self).toOpaque()
        // Called within rd_kafka_new, which passes over what it returns.
        _ = library.api.conf_interceptor_add_on_new(
            configuration, "likewise",
            { handle, _, opaque, _, _ in
                guard let handle, let opaque else { return RD_KAFKA_RESP_ERR__FAIL }
                let monitor = Unmanaged<KafkaBrokerMonitor>.fromOpaque(opaque).takeUnretainedValue()
                return monitor.library.api.interceptor_add_on_broker_state_change(
                    handle, "likewise",
                    { _, number, _, name, port, state, opaque in
                        guard let name, let state, let opaque else { return RD_KAFKA_RESP_ERR_NO_ERROR }
                        let monitor = Unmanaged<KafkaBrokerMonitor>.fromOpaque(opaque).takeUnretainedValue()
                        monitor.changed(number, "\(String(cString: name)):\(port)", to: String(cString: state))
                        return RD_KAFKA_RESP_ERR_NO_ERROR
                    }, opaque)
            }, opaque)
    }

    private func changed(_ number: Int32, _ address: String, to name: String) {
        let change = state.withLock { $0.isEnding ? nil : $0.brokers.changed(number, address, to: name) }
        switch change {
        case .down(let broker): logger.warning("a Kafka broker cannot be reached", metadata: ["broker": "\(broker)"])
        case .allDown(let broker):
            logger.error("no Kafka broker can be reached", metadata: ["last_broker": "\(broker)"])
        case .up(let broker):
            logger.notice("a Kafka broker can be reached again", metadata: ["broker": "\(broker)"])
        case nil: break
        }
    }
}
