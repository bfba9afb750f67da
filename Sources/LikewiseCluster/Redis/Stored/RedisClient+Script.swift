extension RedisClient {
    /// Keys that one script call takes.
    static let keysPerScript = 128

    /// Calls `script` on all keys, several in one call where they share a slot or there are no slots. The script takes
    /// `arguments[i]` for key i, equally many for each, one key's after the other's, and answers an array with 1 or 0 for
    /// each key: whether it wrote.
    package func call(
        _ script: RedisScript, on keys: [[UInt8]], with arguments: [[[UInt8]]]
    ) async -> [Result<Bool, RedisError>] {
        precondition(keys.count == arguments.count, "\(arguments.count) arguments for \(keys.count) keys")
        let groups = grouped(keys).flatMap { group in
            stride(from: 0, to: group.count, by: Self.keysPerScript).map {
                Array(group[$0..<min(group.count, $0 + Self.keysPerScript)])
            }
        }
        let commands = groups.map { indices in
            let size = indices.reduce(0) { $0 + arguments[$1].reduce(keys[$1].count + 16) { $0 + $1.count + 16 } }
            var writer = RedisCommandWriter(
                calling: script, keys: indices.count,
                arguments: indices.reduce(0) { $0 + arguments[$1].count }, capacity: size)
            for index in indices { writer.appendKey(keys[index]) }
            for index in indices { for argument in arguments[index] { writer.append(argument) } }
            return writer.command
        }
        var results = [Result<Bool, RedisError>](repeating: .failure(.unexpectedAnswer), count: keys.count)
        for (indices, answer) in zip(groups, await send(commands)) {
            switch answer {
            case .failure(let error): for index in indices { results[index] = .failure(error) }
            case .success(let value):
                guard let elements = value.elements, elements.count == indices.count else { continue }
                for (index, element) in zip(indices, elements) { results[index] = .success(element.number == 1) }
            }
        }
        return results
    }
}
