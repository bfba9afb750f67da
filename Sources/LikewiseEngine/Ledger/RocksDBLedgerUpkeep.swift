// What a transaction does beside registers: contents, positions, answers, trends, and taking away what deleted contents
// left.

import LikewiseCore

extension RocksDBLedgerMerge {
    /// Gathers what was kept back until all batches were taken.
    func finish(_ state: inout RocksDBLedger.WriterState) throws(LedgerError) {
        guard !positions.isEmpty else { return }
        for (place, cell) in cells where cell.now != cell.held {
            place.withUnsafeBytes { place in
                var bytes = LedgerBytes(place, from: 1)
                let number: Int64 = bytes.number()
                write(cell.now, instead: cell.held, of: bytes.takeRest(), on: number)
            }
        }
        for (id, content) in contents { put(content, id) }
        for (shard, through) in positions {
            value.setNumber(through)
            batch.put(LedgerKey.of(.position, shard), value)
        }
        let clock = LedgerKey.of(.single, LedgerKey.clock)
        if try store.value(of: clock, { LedgerBytes.number($0) ?? 0 }) ?? 0 < latest {
            value.setNumber(latest)
            batch.put(clock, value)
        }
        if let nextContent {
            value.setNumber(UInt64(nextContent))
            batch.put(LedgerKey.of(.single, LedgerKey.nextContent), value)
        }
        if hasHeld {
            value.setNumber(RocksDBLedger.formatWithHeld)
            batch.put(LedgerKey.of(.single, LedgerKey.format), value)
        }
        try putAnswers(now: now, &state)
        try dropTrends(now: now)
        putTrends()
    }

    private func put(_ content: Content, _ id: [UInt8]) {
        value.setContent(content.now)
        batch.put(LedgerKey.of(.content, id), value)
        if content.heldKey != content.now.key { put(LedgerKey.of(.contentID, content.now.key), id) }
        for number in content.ended {
            if number == content.heldKey { batch.delete(LedgerKey.of(.contentID, number)) }
            put(LedgerKey.of(.garbage, number), [])
        }
    }

    func put(_ key: borrowing LedgerKey, _ value: [UInt8]) {
        key.withBytes { key in value.withUnsafeBytes { batch.put(key, $0) } }
    }

    // MARK: Answers

    /// Puts the new answers, and removes those that expired before `now`.
    func putAnswers(now: UInt64, _ state: inout RocksDBLedger.WriterState) throws(LedgerError) {
        let snapshot = store.snapshot()
        // Not from the beginning: what was removed there before has to be stepped over until it is merged away.
        if state.firstExpiry < now {
            let walk = store.walk(
                from: LedgerKey.of(.expiry, state.firstExpiry), below: LedgerKey.of(.expiry, now), at: snapshot)
            while try walk.isOnKey() {
                var bytes = LedgerBytes(walk.key, from: 1)
                let expires: UInt64 = bytes.number()
                let answer = Array(bytes.takeRest())
                if answers[answer]?.expires != expires { batch.delete(expiryKey(expires, answer)) }
                if answers[answer] == nil { batch.delete(LedgerKey.of(.answer, answer)) }
                walk.advance()
            }
        }
        for (id, answer) in answers {
            let key = LedgerKey.of(.answer, id)
            let old = try store.value(of: key, at: snapshot) { LedgerBytes.answer(key: id, $0)?.expires ?? 0 }
            if let old, old != answer.expires, old >= now { batch.delete(expiryKey(old, id)) }
            put(key, answer.ledgerValue)
            put(expiryKey(answer.expires, id), [])
        }
        state.firstExpiry = max(state.firstExpiry, now)
        for answer in answers.values { state.firstExpiry = min(state.firstExpiry, answer.expires) }
    }

    private func expiryKey(_ expires: UInt64, _ answer: [UInt8]) -> LedgerKey {
        var key = LedgerKey.of(.expiry, expires)
        key.append(answer)
        return key
    }

    // MARK: Trends

    func putTrends() {
        for bucket in trends.values {
            if bucket.entries.isEmpty {
                batch.delete(bucket.ledgerKey)
            } else {
                put(bucket.ledgerKey, bucket.ledgerValue)
            }
        }
    }

    /// Removes buckets that nobody may ask for any more.
    func dropTrends(now: UInt64) throws(LedgerError) {
        guard now > TrendBucket.retentionMilliseconds else { return }
        let limit = now - TrendBucket.retentionMilliseconds
        let snapshot = store.snapshot()
        let walk = store.walk(from: LedgerKey(.trend), below: LedgerKey.of(.trend, limit), at: snapshot)
        while try walk.isOnKey() {
            var bytes = LedgerBytes(walk.key, from: 1)
            let (start, length): (UInt64, UInt64) = (bytes.number(), bytes.number())
            if start + length < limit, trends[[start, length]] == nil {
                batch.delete(TrendBucket(start: start, length: length, entries: []).ledgerKey)
            }
            walk.advance()
        }
    }

    // MARK: Garbage

    /// Removes up to `limit` registers of deleted contents; false when none are left. Where it stopped is kept with the
    /// content's old number, so that the next step need not go over what this one removed.
    func purge(limit: Int) throws(LedgerError) -> Bool {
        let snapshot = store.snapshot()
        let garbage = store.walk(from: LedgerKey(.garbage), below: .behind(.garbage), at: snapshot)
        var left = limit
        while try garbage.isOnKey() {
            if left <= 0 { return true }
            var bytes = LedgerBytes(garbage.key, from: 1)
            let number: Int64 = bytes.number()
            var from = LedgerKey.of(.register, number)
            from.append(garbage.value)
            let registers = store.walk(from: from, below: .behind(.register, number), at: snapshot)
            var removed = 0
            while removed < left, try registers.isOnKey() {
                try remove(registers, of: number)
                removed += 1
                registers.advance()
            }
            if try registers.isOnKey() {
                put(LedgerKey.of(.garbage, number), Array(registers.key.dropFirst(9)))
                return true
            }
            batch.delete(LedgerKey.of(.garbage, number))
            // A content without registers costs one too, so that the call is bounded by its limit.
            left -= max(removed, 1)
            garbage.advance()
        }
        return false
    }

    private func remove(_ registers: RocksDBWalk, of number: Int64) throws(LedgerError) {
        let user = UnsafeRawBufferPointer(rebasing: registers.key.dropFirst(9))
        guard let register = LedgerBytes.register(registers.value) else {
            throw damage("a register of content number \(number)")
        }
        if register.reaction != .none { removeFromLists(register, user, number) }
        key.beginRegister(number, user)
        batch.delete(key)
    }
}
