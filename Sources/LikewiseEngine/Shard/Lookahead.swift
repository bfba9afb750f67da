// Asks for memory before it is needed.
//
// A like touches the content's index entry, its state, a bucket of its filter and a place of the generation's index, each
// at random in many megabytes: evaluated one by one, likes wait for memory most of the time. The hashes of the intents
// that come next are known, so what they will touch is asked for some intents ahead, in four steps, since each needs
// what the one before has brought. Where that goes wrong (a content is loaded in between, or two share half a hash)
// nothing is lost but the time: nobody decides by it.

import CPlatform

struct Lookahead {
    /// How many intents ahead they themselves are asked for, and the bytes of their ids: a group was written by another
    /// processor, maybe long ago.
    private static let intentAhead = 64
    private static let bytesAhead = 40
    /// How many intents ahead the content's index entry, its state, and the places in its filter and the overlay are
    /// asked for.
    private static let indexAhead = 24
    private static let stateAhead = 16
    private static let placeAhead = 8
    private static let idAhead = 4

    /// Brings near what the intents behind `i` will touch.
    @inline(__always)
    func advance(
        to i: Int, _ intents: UnsafeBufferPointer<Intent>, _ bytes: UnsafeRawBufferPointer, _ table: ContentTable,
        _ current: Generation
    ) {
        if let first = intents.baseAddress { likewise_prefetch(first + (i &+ Lookahead.intentAhead)) }
        if i &+ Lookahead.bytesAhead < intents.count, let start = bytes.baseAddress {
            likewise_prefetch(start + Int(intents[i &+ Lookahead.bytesAhead].offset))
        }
        if i == 0 {
            for k in 0..<min(intents.count, Lookahead.placeAhead) { current.prefetch(intents[k].keyHash) }
        }
        if i &+ Lookahead.indexAhead < intents.count {
            table.prefetchIndex(intents[i &+ Lookahead.indexAhead].contentHash)
        }
        if i &+ Lookahead.stateAhead < intents.count {
            table.prefetchState(intents[i &+ Lookahead.stateAhead].contentHash)
        }
        if i &+ Lookahead.placeAhead < intents.count {
            let intent = intents[i &+ Lookahead.placeAhead]
            current.prefetch(intent.keyHash)
            table.prefetchFilter(intent.contentHash, FingerprintFilter.fingerprint(intent.keyHash))
        }
        if i &+ Lookahead.idAhead < intents.count { table.prefetchID(intents[i &+ Lookahead.idAhead].contentHash) }
    }
}
