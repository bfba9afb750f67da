// The reader's statements. Each names its index, so that it fails to prepare where it would have to scan instead.
//
// The indexes go by version upwards and are walked backwards. Likes with equal versions are rare; SQLite sorts such a
// group by id as it comes to it and stops at the limit, so a page costs what it shows.

import LikewiseCore

extension SQLiteLedgerReader {
    struct Statements {
        let positions, names, clock, content, register, users, contents: LedgerStatement
        let likesOfUser, likesOfContent, heldLikes, answers, trends: LedgerStatement

        init(_ prepare: (String) throws(LedgerError) -> LedgerStatement) throws(LedgerError) {
            positions = try prepare("SELECT shard, sequence FROM positions")
            names = try prepare(SQLiteLedgerReader.selectNames)
            clock = try prepare("SELECT reading FROM clock")
            content = try prepare(
                """
                SELECT c.id, c.content_type, c.visibility, c.registered, c.deleted_reading, c.deleted_region,
                    coalesce(t.reaction, 0), coalesce(t.count, 0)
                FROM contents c LEFT JOIN tallies t ON t.content = c.id WHERE c.content_id = ?1
                """)
            register = try prepare(
                "SELECT reading, region, reaction FROM registers WHERE content = ?1 AND user_id = ?2")
            users = try prepare(
                "SELECT user_id FROM registers WHERE content = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3")
            contents = try prepare("SELECT id, content_id FROM contents WHERE id > ?1 ORDER BY id LIMIT ?2")
            likesOfUser = try prepare(
                """
                SELECT c.content_id, r.reading, r.region, r.reaction
                FROM registers r INDEXED BY registers_by_user CROSS JOIN contents c ON c.id = r.content
                WHERE r.user_id = ?1 AND r.reaction <> 0 AND (r.reading, r.region) <= (?2, ?3)
                    AND NOT (r.reading = ?2 AND r.region = ?3 AND c.content_id <= ?4)
                ORDER BY r.reading DESC, r.region DESC, c.content_id LIMIT ?5
                """)
            likesOfContent = try prepare(
                """
                SELECT r.user_id, r.reading, r.region, r.reaction
                FROM contents c CROSS JOIN registers r INDEXED BY registers_by_content ON r.content = c.id
                WHERE c.content_id = ?1 AND r.reaction <> 0 AND r.reaction < \(Reaction.heldBit) AND (r.reading, r.region) <= (?2, ?3)
                    AND NOT (r.reading = ?2 AND r.region = ?3 AND r.user_id <= ?4)
                ORDER BY r.reading DESC, r.region DESC, r.user_id LIMIT ?5
                """)
            heldLikes = try prepare(
                """
                SELECT c.content_id, r.user_id, r.reading, r.region, r.reaction
                FROM registers r INDEXED BY registers_held CROSS JOIN contents c ON c.id = r.content
                WHERE r.reaction > 127 AND (r.reading, r.region) <= (?1, ?2)
                    AND NOT (r.reading = ?1 AND r.region = ?2 AND (c.content_id, r.user_id) <= (?3, ?4))
                    AND (?5 = '' OR c.content_id = ?5) AND (?6 = '' OR r.user_id = ?6)
                ORDER BY r.reading DESC, r.region DESC, c.content_id, r.user_id LIMIT ?7
                """)
            answers = try prepare("SELECT key, fingerprint, expires, payload FROM answers WHERE expires > ?1")
            trends = try prepare(
                """
                SELECT start, length, content_id, gained FROM trends WHERE start >= ?1 ORDER BY start, length, place
                """)
        }
    }

    static let selectNames = "SELECT code, name FROM reactions ORDER BY code"

    /// The names that `select` gives, in the order of their codes, which leave no gap.
    static func names(_ select: LedgerStatement) throws(LedgerError) -> [String] {
        defer { select.reset() }
        var result: [String] = []
        while try select.step() {
            guard select.int(0) == Int64(result.count + 1) else {
                throw .damaged(select.path, "no reaction has code \(result.count + 1)")
            }
            result.append(String(decoding: select.text(1), as: UTF8.self))
        }
        return result
    }
}
