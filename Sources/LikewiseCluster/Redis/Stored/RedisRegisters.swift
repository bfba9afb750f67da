// Who holds what, for the fast path of a write: "does this user hold it already?". One key a register,
// `likewise:r:{<tag>}:<bytes of the content's id>:<content>:<user>`. The tag (`RedisTag`) is of a hash of both ids, so that
// a content's registers are spread over a cluster. The value begins with what decides a merge, as text that sorts like it: 16 hexadecimal digits of the version's
// reading, 4 of its region, 2 of the reaction's code; then the reaction's name (empty: none), which is what it means. A code from 80 on
// says that the reaction is held back.
//
// Each may be missing or behind the truth at any time: the merge in the ledger decides.

package import LikewiseCore
import NIOCore

/// One (content, user).
package struct RegisterKey: Hashable, Sendable {
    /// The content's id.
    package var content: [UInt8]
    /// The user's id.
    package var user: [UInt8]

    /// The register of `user` on `content`.
    package init(content: [UInt8], user: [UInt8]) {
        self.content = content
        self.user = user
    }
}

/// The registers that Redis keeps.
package struct RedisRegisters: Sendable {
    private let client: RedisClient
    private let reactions: ReactionSet
    private let expiry: [UInt8]

    /// Registers are forgotten `expiry` after they were last written. `reactions` has every name that any node gives out.
    package init(_ client: RedisClient, reactions: ReactionSet, expiry: Duration = .seconds(3_600)) {
        self.client = client
        self.reactions = reactions
        self.expiry = Array(String(max(1, expiry.wholeNanoseconds / 1_000_000)).utf8)
    }

    /// Writes each register, unless Redis holds it already or a later one (`Register.yields`). For each: whether it was
    /// written. Not durable on return: Redis syncs once a second, if at all.
    package func put(_ registers: [(key: RegisterKey, register: Register)]) async -> [Result<Bool, RedisError>] {
        await call(Self.putScript, registers.map(\.register), at: registers.map { Self.key(of: $0.key) })
    }

    /// Writes each row of a table where Redis holds an older register; where it holds none, none is written. For each: whether
    /// it was written.
    ///
    /// For those who are behind the truth, as aggregators are: what Redis holds counts as certain, so that an older
    /// register must never come into the place of a newer one that Redis has lost. Mostly nothing is to be written, because
    /// the node that took the like has written it: so all are only read at first, which costs Redis a fraction of what the
    /// script does, and the script, which looks again, is called for those that are older.
    package func refresh(
        _ rows: ArraySlice<RegisterTable.Row>, of table: RegisterTable
    ) async -> [Result<Bool, RedisError>] {
        let keys = rows.map { row in
            table.withUser(of: row) { user in
                table.id(of: Int(row.content)).withUnsafeBytes { Self.key(content: $0, user: user) }
            }
        }
        var old: [Int] = []
        var results: [Result<Bool, RedisError>] = []
        results.reserveCapacity(keys.count)
        for (row, held) in zip(rows, await client.values(of: keys)) {
            if case .success(let held?) = held, RegisterText.isOlder(held.readableBytesView, than: row.register) {
                old.append(results.count)
            }
            results.append(held.map { _ in false })
        }
        guard !old.isEmpty else { return results }
        let written = await call(
            Self.refreshScript, old.map { rows[rows.startIndex + $0].register }, at: old.map { keys[$0] })
        for (index, result) in zip(old, written) { results[index] = result }
        return results
    }

    private func call(
        _ script: RedisScript, _ registers: [Register], at keys: [[UInt8]]
    ) async -> [Result<Bool, RedisError>] {
        await client.call(
            script, on: keys, with: registers.map { [RegisterText.encode($0, reactions), expiry] })
    }

    /// What Redis holds of each, in their order; nil where it holds nothing, or nothing that this node understands.
    package func get(_ keys: [RegisterKey]) async -> [Result<Register?, RedisError>] {
        await client.values(of: keys.map { Self.key(of: $0) }).map { result in
            result.map { value in
                value.flatMap { RegisterText.decode(Array($0.readableBytesView), reactions) }
            }
        }
    }

    /// The key of a register.
    package static func key(of register: RegisterKey) -> [UInt8] {
        register.content.withUnsafeBytes { content in
            register.user.withUnsafeBytes { key(content: content, user: $0) }
        }
    }

    /// The key of a register. The length keeps apart what colons in the ids would confuse.
    static func key(content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer) -> [UInt8] {
        let hash = Hash64.combine(Hash64.of(content, seed: 0), Hash64.of(user, seed: 0))
        var key: [UInt8] = []
        key.reserveCapacity(32 + content.count + user.count)
        key += "likewise:r:".utf8
        RedisTag.append(hash, to: &key)
        key.append(UInt8(ascii: ":"))
        key += String(content.count).utf8
        key.append(UInt8(ascii: ":"))
        key += content
        key.append(UInt8(ascii: ":"))
        key += user
        return key
    }

    /// Two arguments a key: value, milliseconds. The first 22 bytes of a value sort like `Register.yields`. All keys are
    /// read by one call, for each call out of Lua costs Redis more than what it does: mostly nothing is to be written,
    /// because the node that took the like has written it.
    private static let putScript = script(unless: "old and string.sub(old, 1, 22) >= string.sub(new, 1, 22)")
    private static let refreshScript = script(
        unless: "not old or string.sub(old, 1, 22) >= string.sub(new, 1, 22)")

    private static func script(unless isRight: String) -> RedisScript {
        RedisScript(
            """
            local taken, written = {}, {}
            local held = redis.call('MGET', unpack(KEYS))
            for i = 1, #KEYS do
              local old, new = written[KEYS[i]] or held[i], ARGV[2 * i - 1]
              if \(isRight) then
                taken[i] = 0
              else
                redis.call('SET', KEYS[i], new, 'PX', ARGV[2 * i])
                written[KEYS[i]] = new
                taken[i] = 1
              end
            end
            return taken
            """)
    }
}

/// A register as text.
package enum RegisterText {
    /// How many bytes sort like the version and the code: 16 digits of the reading, 4 of the region, 2 of the code.
    package static let prefixLength = 22

    /// The text of a register.
    package static func encode(_ register: Register, _ reactions: ReactionSet) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(prefixLength + 16)
        appendPrefix(of: register, to: &text)
        if let name = reactions.name(of: register.reaction) { text += name.utf8 }
        return text
    }

    /// The register in a text; nil where the text is none of ours, or names a reaction that `reactions` does not know.
    package static func decode(_ text: [UInt8], _ reactions: ReactionSet) -> Register? {
        guard text.count >= prefixLength, let reading = number(text[0..<16]), let region = number(text[16..<20]),
            let code = number(text[20..<22])
        else { return nil }
        let version = Version(reading: reading, region: UInt16(region))
        if text.count == prefixLength { return Register(version: version, reaction: .none) }
        guard let reaction = reactions.held(named: text[prefixLength...]) else { return nil }
        let isHeld = code >= UInt64(Reaction.heldBit)
        return Register(version: version, reaction: isHeld ? reaction.asHeld : reaction)
    }

    /// Whether a text sorts before a register's, as the scripts see it.
    static func isOlder(_ text: some Collection<UInt8>, than register: Register) -> Bool {
        var mine: [UInt8] = []
        mine.reserveCapacity(prefixLength)
        appendPrefix(of: register, to: &mine)
        return text.prefix(prefixLength).lexicographicallyPrecedes(mine)
    }

    private static func appendPrefix(of register: Register, to text: inout [UInt8]) {
        append(register.version.reading, digits: 16, to: &text)
        append(UInt64(register.version.region), digits: 4, to: &text)
        append(UInt64(register.reaction.rawValue), digits: 2, to: &text)
    }

    static func append(_ number: UInt64, digits: Int, to text: inout [UInt8]) {
        for shift in stride(from: UInt64(digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(number >> shift & 15)
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }
}
