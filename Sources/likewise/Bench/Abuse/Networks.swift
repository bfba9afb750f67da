// The internet that the traced people live in: home providers, mobile carriers, offices, relays.
//
// The trace has no addresses, so they are made up, by what is published of networks:
// - Mobile carriers put many subscribers behind one public IPv4 address: Richter et al., "A Multi-perspective Analysis of
//   Carrier-Grade NAT Deployment", IMC 2016; RFC 6888 wants one subscriber to keep one address while he is active. How many
//   of *our* users share one is drawn, 100 to 4,000.
// - Home addresses last for days at one provider and months at another: Padmanabhan et al., "Reasons Dynamic Addresses
//   Change", IMC 2016.
// - With IPv6 a phone has a /64 (RFC 7849), a home a /56 or so (RIPE-690).
// - People move between a few places, each at its hours: Gonzalez, Hidalgo and Barabasi, "Understanding Individual Human
//   Mobility Patterns", Nature 453 (2008).
// How large each share is, is a guess that the seed varies where a range is given.

import Glibc
import LikewiseServer

extension SplitMix {
    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    /// Drawn so that each factor is as likely as another.
    mutating func logUniform(_ range: ClosedRange<Double>) -> Double {
        exp(Double.random(in: log(range.lowerBound)...log(range.upperBound), using: &self))
    }

    /// An index, by weight.
    mutating func index(weights: [Double]) -> Int {
        var left = Double.random(in: 0..<weights.reduce(0, +), using: &self)
        for (place, weight) in weights.enumerated() {
            left -= weight
            if left < 0 { return place }
        }
        return weights.count - 1
    }

    mutating func one<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }
}

/// Hands out blocks of addresses: /24 of IPv4, next to each other for one owner, and /32 of IPv6.
struct AddressSpace {
    private var next: UInt32
    private var nextV6: UInt32 = 0x2a00_0000

    init(_ random: inout SplitMix) { next = UInt32.random(in: 0x0b00...0x2000, using: &random) << 8 }

    /// The bases of `count` blocks.
    mutating func blocks(_ count: Int, _ random: inout SplitMix) -> [UInt32] {
        if count > 40 || random.chance(0.2) { next = (next | 0xff) + 1 + UInt32.random(in: 0..<8, using: &random) << 8 }
        defer { next += UInt32(count) + UInt32.random(in: 0...6, using: &random) }
        return (0..<UInt32(count)).map { (next + $0) << 8 }
    }

    mutating func v6() -> UInt64 {
        nextV6 += 0x1_0000 / 16
        return UInt64(nextV6) << 32
    }
}

/// A provider of homes.
struct HomeProvider {
    var weight: Double
    var blocks: [UInt32]
    var v6: UInt64
    /// How many /48 its customers are spread over.
    var regions: UInt64
    /// Days that a home keeps its address; nil: for as long as the trace lasts.
    var leaseDays: Double?

    func address(isV6: Bool, _ random: inout SplitMix) -> NetworkAddress {
        guard isV6 else { return NetworkAddress(v4: random.one(of: blocks) + .random(in: 1...254, using: &random)) }
        let site = UInt64.random(in: 0..<regions, using: &random) << 16 | .random(in: 0..<256, using: &random) << 8
        return NetworkAddress(high: v6 | site, low: 0)
    }
}

/// A mobile carrier.
struct Carrier {
    var weight: Double
    /// The public addresses that its subscribers share.
    var pool: [UInt32]
    var v6: UInt64

    func address(isV6: Bool, _ random: inout SplitMix) -> NetworkAddress {
        guard isV6 else { return NetworkAddress(v4: random.one(of: pool)) }
        return NetworkAddress(high: v6 | .random(in: 0..<(1 << 26), using: &random), low: 0)
    }
}

/// An office, a school, a university: its members share an address, large ones a few.
struct Office {
    var weight: Double
    var addresses: [UInt32]
    /// A content that its members talk of; they are more likely to have come by it.
    var talk: UInt32
}

struct Country {
    var weight: Double
    /// Whether its people come by phone, nearly all.
    var isMobile: Bool
    var providers: [HomeProvider]
    var carriers: [Carrier]
    var offices: [Office]
    /// By what is talked of.
    var officesOfTalk: [UInt32: [Int]] = [:]
    /// Addresses of cafes, hotels, trains.
    var hotspots: [UInt32]
}

/// All networks of a world.
struct Networks {
    var countries: [Country] = []
    /// Addresses of relays (VPNs), a list for each operator. They stand in blocks of hosting providers.
    var relays: [[UInt32]] = []
    var space: AddressSpace

    /// Networks for about `users` people, with offices that talk of some of `contents`.
    init(users: Int, contents: [UInt32], _ random: inout SplitMix) {
        space = AddressSpace(&random)
        let weights = (1...12).map { 1 / Double($0) }
        let sum = weights.reduce(0, +)
        for weight in weights {
            countries.append(
                Self.country(weight: weight, users: Double(users) * weight / sum, contents, &space, &random))
        }
        for _ in 0..<12 {
            let blocks = space.blocks(Int.random(in: 1...4, using: &random), &random)
            relays.append(
                (0..<Int.random(in: 8...60, using: &random)).map { _ in
                    random.one(of: blocks) + .random(in: 1...254, using: &random)
                })
        }
    }

    private static func country(
        weight: Double, users: Double, _ contents: [UInt32], _ space: inout AddressSpace, _ random: inout SplitMix
    ) -> Country {
        let providers = (1...Int.random(in: 3...6, using: &random)).map { rank in
            let share = users / Double(rank) / 2.2
            let blocks = max(1, Int(share / random.logUniform(2...25)))
            return HomeProvider(
                weight: 1 / Double(rank), blocks: space.blocks(min(blocks, 20_000), &random), v6: space.v6(),
                regions: UInt64(max(1, blocks / 2)),
                leaseDays: random.chance(0.35) ? random.logUniform(0.9...6) : nil)
        }
        // In some countries nearly everybody comes through one or two carriers, without IPv6.
        let isMobile = random.chance(0.2)
        let carriers = (1...(isMobile ? 2 : Int.random(in: 2...4, using: &random))).map { rank in
            let subscribers = users * 0.7 / Double(rank) / 1.8
            let addresses = max(2, Int(subscribers / random.logUniform(isMobile ? 1000...4000 : 100...4000)))
            let spread = isMobile ? 1 : min(max(1, addresses / 40), 8) + Int.random(in: 0...2, using: &random)
            let blocks = space.blocks(spread, &random)
            let pool = (0..<addresses).map { _ in random.one(of: blocks) + .random(in: 1...254, using: &random) }
            return Carrier(weight: 1 / Double(rank), pool: pool, v6: space.v6())
        }
        var country = Country(
            weight: weight, isMobile: isMobile, providers: providers, carriers: carriers, offices: [], hotspots: [])
        // Sizes with a long tail: most have a few of our people, a few have hundreds.
        for office in 0..<max(3, Int(users / 60)) {
            let weight = min(400, 1 / max(0.0005, Double.random(in: 0..<1, using: &random)))
            let addresses = space.blocks(1, &random)[0] + .random(in: 1...200, using: &random)
            let count = weight > 100 ? UInt32.random(in: 1...4, using: &random) : 1
            let talk = contents.isEmpty ? 0 : random.one(of: contents)
            country.offices.append(
                Office(weight: weight, addresses: (0..<count).map { addresses + $0 }, talk: talk))
            country.officesOfTalk[talk, default: []].append(office)
        }
        let cafes = space.blocks(max(1, Int(users / 400)), &random)
        country.hotspots = (0..<max(2, Int(users / 60))).map { _ in
            random.one(of: cafes) + .random(in: 1...254, using: &random)
        }
        return country
    }
}
