import LikewiseCore

/// The part of a key that decides about its slot: `{`, three hexadecimal digits of a hash, `}`. With one key a slot each, what
/// an aggregator writes once a second would be a script call a key; a thousand tags gather thousands of keys into calls of
/// a dozen each, and spread them over a hundred masters evenly enough (ten each, give or take three).
enum RedisTag {
    private static let count: UInt64 = 1_024

    /// Appends the tag of a hash.
    static func append(_ hash: UInt64, to key: inout [UInt8]) {
        key.append(UInt8(ascii: "{"))
        RegisterText.append(hash & (count - 1), digits: 3, to: &key)
        key.append(UInt8(ascii: "}"))
    }
}
