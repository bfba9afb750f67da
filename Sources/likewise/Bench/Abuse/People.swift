// Where the people of a trace are when they like: at home, at work, on the way, behind a relay.

import Glibc
import LikewiseServer

/// A person of the trace.
struct Person {
    var country: Int
    var provider: Int
    var carrier: Int
    var office: Int?
    /// Who lives in it shares an address.
    var home: Int
    var isHomeV6: Bool
    var isMobileV6: Bool
    /// How much of the time he is on the phone's network.
    var mobileShare: Double
    /// Hours by which his day is shifted against the trace's clock.
    var zone: Int
    /// The operator of relays that he always goes through, and whether he takes another one each time.
    var relay: Int?
    var hopsRelays: Bool
    var browser: UInt32
    var phone: UInt32
    /// Whether his relay gives each request another address.
    var rotates: Bool
    // Where he is now.
    var seen: Int64 = .min
    var address = NetworkAddress(v4: 0)
    var client: UInt32 = 0
}

/// An address that a home has, until its lease ends.
private struct Home {
    var address: NetworkAddress
    var ends: Int64
}

/// Programs that people like with, by how widespread each is: some everywhere, some in one country.
struct Clients {
    private static let inCountry: UInt32 = 60
    private let everywhere = ZipfSampler(count: 400)
    private let local = ZipfSampler(count: Int(Clients.inCountry))

    func any(in country: Int, _ random: inout SplitMix) -> UInt32 {
        guard random.chance(0.4) else { return UInt32(everywhere.sample(&random)) }
        return 1000 + UInt32(country) * Clients.inCountry + UInt32(local.sample(&random))
    }
}

/// Gives the likes of a recorded trace addresses and clients, and adds unlikes.
struct People {
    private static let dayMilliseconds: Int64 = 86_400_000
    /// He is thought to be where he was, that long.
    private static let sessionMilliseconds: Int64 = 1_800_000
    /// A content with more likes than that is talked of everywhere.
    private static let worldwide = 1000

    private(set) var networks: Networks
    private var random: SplitMix
    private let clients = Clients()
    private var people: [UInt32: Person] = [:]
    private var homes: [Home] = []
    private var contentCountry: [UInt32: Int] = [:]
    private var lastHome: [UInt32: (home: Int, country: Int, provider: Int, isV6: Bool)] = [:]
    private let popularity: [UInt32: Int]

    init(_ rows: [RecordedLike], seed: UInt64) {
        random = SplitMix(state: seed)
        let popularity: [UInt32: Int] = rows.reduce(into: [:]) { $0[$1.content, default: 0] += 1 }
        self.popularity = popularity
        // Sorted, since a dictionary's order is another one in each process.
        let contents = popularity.filter { $0.value > 4 }.keys.sorted()
        networks = Networks(users: Set(rows.map(\.user)).count, contents: contents, &random)
    }

    /// The likes of `rows`, with some unlikes, in the order of time.
    mutating func likes(_ rows: [RecordedLike]) -> [TracedLike] {
        var likes: [TracedLike] = []
        likes.reserveCapacity(rows.count + rows.count / 16)
        var last: [UInt64: Int64] = [:]
        for row in rows {
            let now = row.second * 1000 + .random(in: 0..<1000, using: &random)
            var person = people[row.user] ?? newPerson(row)
            move(&person, now: now)
            people[row.user] = person
            let like = TracedLike(
                milliseconds: now, user: row.user, content: row.content, address: person.address,
                client: person.client)
            let pair = UInt64(row.user) << 32 | UInt64(row.content)
            if let before = last[pair], now - before > 2000, random.chance(0.15) {
                // Who likes again had taken his like back, now and then.
                var unlike = like
                (unlike.isUnlike, unlike.milliseconds) = (true, .random(in: before + 1..<now, using: &random))
                likes.append(unlike)
            }
            likes.append(like)
            last[pair] = now
            if random.chance(0.015) { slip(like, &likes, &last[pair]) }
        }
        return likes.sortedByTime()
    }

    /// A like by mistake, taken back soon; not always the like was the mistake.
    private mutating func slip(_ like: TracedLike, _ likes: inout [TracedLike], _ last: inout Int64?) {
        var next = like
        next.isUnlike = true
        next.milliseconds += Int64(random.logUniform(1500...300_000))
        likes.append(next)
        guard random.chance(0.4) else { return }
        next.isUnlike = false
        next.milliseconds += Int64(random.logUniform(1000...60_000))
        likes.append(next)
        last = next.milliseconds
    }

    private mutating func newPerson(_ row: RecordedLike) -> Person {
        let weights = networks.countries.map(\.weight)
        let local = contentCountry[row.content] ?? random.index(weights: weights)
        contentCountry[row.content] = local
        let isWorldwide = popularity[row.content] ?? 0 > People.worldwide
        var country = random.chance(isWorldwide ? 0.35 : 0.7) ? local : random.index(weights: weights)
        var provider = random.index(weights: networks.countries[country].providers.map(\.weight))
        var isHomeV6 = random.chance(0.35)
        var home = homes.count
        if let near = lastHome[row.content], random.chance(0.08) {
            // He lives with one who liked the same before.
            (home, country, provider, isHomeV6) = (near.home, near.country, near.provider, near.isV6)
        } else {
            homes.append(Home(address: NetworkAddress(v4: 0), ends: .min))
        }
        lastHome[row.content] = (home, country, provider, isHomeV6)
        let place = networks.countries[country]
        return Person(
            country: country, provider: provider, carrier: random.index(weights: place.carriers.map(\.weight)),
            office: random.chance(0.2) ? office(of: row, in: place) : nil, home: home, isHomeV6: isHomeV6,
            isMobileV6: !place.isMobile && random.chance(0.4),
            mobileShare: place.isMobile
                ? 0.9 : random.chance(0.25) ? 0 : Double.random(in: 0.05...1, using: &random),
            zone: country * 2 + .random(in: 0...1, using: &random),
            relay: random.chance(0.02) ? .random(in: 0..<networks.relays.count, using: &random) : nil,
            hopsRelays: random.chance(0.1), browser: clients.any(in: country, &random),
            phone: clients.any(in: country, &random), rotates: random.chance(0.1))
    }

    private mutating func office(of row: RecordedLike, in country: Country) -> Int {
        if let talking = country.officesOfTalk[row.content], random.chance(0.3) { return random.one(of: talking) }
        return random.index(weights: country.offices.map(\.weight))
    }

    /// Where he is at `now`: for a while where he was, then where the hour and his habits take him.
    private mutating func move(_ person: inout Person, now: Int64) {
        defer { person.seen = now }
        let isElsewhere = person.seen == .min || now - person.seen > People.sessionMilliseconds
        // Out of the door, or to another network's better signal.
        let isHandedOver = person.mobileShare > 0 && random.chance(0.04)
        guard isElsewhere || isHandedOver || (person.relay != nil && person.rotates) else { return }
        let country = networks.countries[person.country]
        let hour = Int(now / 3_600_000) + person.zone
        let isWork = (8..<18).contains(hour % 24) && (hour / 24) % 7 < 5
        person.client = person.browser
        if let relay = person.relay {
            let list = networks.relays[
                person.hopsRelays ? .random(in: 0..<networks.relays.count, using: &random) : relay]
            person.address = NetworkAddress(v4: random.one(of: list))
        } else if random.chance(0.03) {
            person.address = NetworkAddress(v4: random.one(of: country.hotspots))
        } else if let office = person.office, isWork, random.chance(0.7) {
            person.address = NetworkAddress(v4: random.one(of: country.offices[office].addresses))
        } else if random.chance(person.mobileShare) {
            // A carrier keeps one on an address for a while, not for ever.
            person.address = country.carriers[person.carrier].address(isV6: person.isMobileV6, &random)
            person.client = person.phone
        } else {
            if homes[person.home].ends <= now {
                let provider = country.providers[person.provider]
                let lease = provider.leaseDays.map { Int64($0 * Double(People.dayMilliseconds)) } ?? .max / 2
                homes[person.home] = Home(
                    address: provider.address(isV6: person.isHomeV6, &random), ends: now + lease)
            }
            person.address = homes[person.home].address
            if random.chance(0.5) { person.client = person.phone }
        }
    }
}

extension [TracedLike] {
    /// In the order of time; what came at once stays in its order.
    func sortedByTime() -> [TracedLike] {
        enumerated().sorted { ($0.element.milliseconds, $0.offset) < ($1.element.milliseconds, $1.offset) }.map(
            \.element)
    }
}
