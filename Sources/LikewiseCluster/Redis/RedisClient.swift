package import Logging
package import NIOCore

/// A client of one deployment of Redis. It connects in the background, and again whenever it has to; calls never wait
/// longer than the command timeout.
package final class RedisClient: Sendable {
    /// Keys of one MGET: one command that takes Redis longer holds up all others.
    static let keysPerCommand = 512

    private let options: RedisOptions
    private let topology: RedisTopology
    private let group: any EventLoopGroup

    /// Begins to connect. `group` is the caller's, and outlives the client.
    package init(_ options: RedisOptions, group: any EventLoopGroup, logger: Logger) {
        self.options = options
        self.group = group
        topology = RedisTopology(options, group: group, logger: logger)
        topology.start()
    }

    deinit { _ = topology.shutDown() }

    /// Sends all commands, each to the node that owns its key, and all for one node in one write. Calls that do not wait for
    /// each other may overtake each other where a node has several connections.
    ///
    /// `completion` is called once, on an event loop or on the caller's thread, with a result for each command, in their
    /// order; it must not block.
    package func send(
        _ commands: [RedisCommand], completion: @escaping @Sendable ([Result<RedisValue, RedisError>]) -> Void
    ) {
        guard !commands.isEmpty else { return completion([]) }
        let deadline = NIODeadline.now().uptimeNanoseconds + options.commandTimeout.wholeNanoseconds
        RedisCall.start(
            commands, deadline: deadline, topology: topology, loop: group.next(), completion: completion)
    }

    /// Sends all commands, each to the node that owns its key, and all for one node in one write; a result for each, in
    /// their order.
    package func send(_ commands: [RedisCommand]) async -> [Result<RedisValue, RedisError>] {
        await withCheckedContinuation { continuation in
            send(commands) { continuation.resume(returning: $0) }
        }
    }

    /// Sends one command.
    package func send(_ command: RedisCommand) async -> Result<RedisValue, RedisError> {
        await send([command]).first ?? .failure(.unexpectedAnswer)
    }

    /// What the keys hold, nil for nothing, in their order: copies of the bytes.
    package func mget(_ keys: [[UInt8]]) async -> [Result<[UInt8]?, RedisError>] {
        await values(of: keys).map { $0.map { $0.map { Array($0.readableBytesView) } } }
    }

    /// What the keys hold, nil for nothing, in their order: slices of what was received. One MGET for each slot, or for
    /// all keys where there are no slots (at most `keysPerCommand` in each).
    package func values(of keys: [[UInt8]]) async -> [Result<ByteBuffer?, RedisError>] {
        let groups = grouped(keys)
        let commands = groups.map { indices in
            var writer = RedisCommandWriter(
                words: indices.count + 1, capacity: indices.reduce(32) { $0 + keys[$1].count + 16 })
            writer.append("MGET")
            for index in indices { writer.appendKey(keys[index]) }
            return writer.command
        }
        var values = [Result<ByteBuffer?, RedisError>](repeating: .failure(.unexpectedAnswer), count: keys.count)
        for (indices, answer) in zip(groups, await send(commands)) {
            switch answer {
            case .failure(let error): for index in indices { values[index] = .failure(error) }
            case .success(let value):
                guard let elements = value.elements, elements.count == indices.count else { continue }
                for (index, element) in zip(indices, elements) { values[index] = .success(element.buffer) }
            }
        }
        return values
    }

    /// The keys' indices, by the commands that may hold them together.
    func grouped(_ keys: [[UInt8]]) -> [[Int]] {
        var groups: [[Int]] = []
        if case .cluster = options.topology {
            var groupOfSlot: [UInt16: Int] = [:]
            for (index, key) in keys.enumerated() {
                let slot = RedisSlot.of(key)
                if let group = groupOfSlot[slot], groups[group].count < Self.keysPerCommand {
                    groups[group].append(index)
                } else {
                    groupOfSlot[slot] = groups.count
                    groups.append([index])
                }
            }
        } else {
            for start in stride(from: 0, to: keys.count, by: Self.keysPerCommand) {
                groups.append(Array(start..<min(keys.count, start + Self.keysPerCommand)))
            }
        }
        return groups
    }

    /// Rises whenever a connection was made anew, and when masters changed: what was written in the last seconds may be
    /// lost, and is to be written again by whoever wants it there.
    package var epoch: UInt64 { topology.epoch }

    /// The nodes, sentinels among them, by address.
    package var health: [RedisNodeHealth] { topology.health }

    /// What was sent so far.
    package var statistics: RedisStatistics { topology.traffic.statistics }

    /// Ends all connections, as letting go of the client does too, and waits for it. What waits is finished with an error, and so is all that comes later.
    package func shutdown() async {
        for ended in topology.shutDown() {
            // Fails only where the event loop is gone, and the connections with it.
            do { try await ended.get() } catch {}
        }
    }
}
