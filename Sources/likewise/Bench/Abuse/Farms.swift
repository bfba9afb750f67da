// Click farms, of the four kinds that are measured, as somebody would run them who knows that he is watched.
//
// What farms do is taken from De Cristofaro et al., "Paying for Likes?", IMC 2014, and Ikram et al., "Measuring,
// Characterizing, and Detecting Facebook Like Farms", ACM TOPS 20(4), 2017: bursts and slow drips, orders of a few dozen to
// a few thousand likes, accounts that also like what is popular to look alive. Each number is drawn from the seed, over a
// range that is meant to hold the easy and the hard; the detector is told none of them.

import Glibc
import LikewiseServer

/// Makes farms for a trace of people.
struct Farms {
    private static let hourMilliseconds: Int64 = 3_600_000

    private var random: SplitMix
    private var networks: Networks
    private let people: [TracedLike]
    private let contents: [UInt32]
    private let clients = Clients()
    private var nextUser: UInt32 = 1 << 30
    private var nextContent: UInt32 = 1 << 30
    private let end: Int64

    init(among likes: [TracedLike], networks: Networks, seed: UInt64) {
        random = SplitMix(state: seed)
        self.networks = networks
        people = likes.filter { !$0.isUnlike }
        contents = Array(Set(likes.map(\.content))).sorted()
        end = likes.last?.milliseconds ?? 0
    }

    /// Farms whose likes are `share` of all, in equal parts of the four kinds, in the order of time.
    mutating func likes(share: Double) -> [TracedLike] {
        let wanted = Double(people.count) * share / (1 - share)
        var likes: [TracedLike] = []
        var number = 0
        for kind in LikeOrigin.farms {
            // A small trace has few farms, which are large enough to be worth their money all the same.
            let most = max(1, min(6, Int(wanted / 4 / 250)))
            let parts = (0..<Int.random(in: min(2, most)...most, using: &random)).map { _ in random.logUniform(1...4) }
            for part in parts {
                let budget = max(1, Int(wanted / 4 * part / parts.reduce(0, +)))
                number += 1
                likes += farm(kind, budget).map { like in
                    var like = like
                    (like.origin, like.farm) = (kind, number)
                    return like
                }
            }
        }
        return likes.sortedByTime()
    }

    private mutating func farm(_ kind: LikeOrigin, _ budget: Int) -> [TracedLike] {
        switch kind {
        case .person: []
        case .oneAddress: oneAddress(budget)
        case .manyAddresses: manyAddresses(budget)
        case .slowDrip: slowDrip(budget)
        case .toggling: toggling(budget)
        }
    }

    // MARK: The kinds

    private mutating func oneAddress(_ budget: Int) -> [TracedLike] {
        let lure = Double.random(in: 0...0.4, using: &random)
        let orders = orders(Int(Double(budget) * (1 - lure)))
        let most = orders.map(\.likes).max() ?? 1
        let accounts = accounts(Int(Double(most) * random.logUniform(1...3)))
        let addresses = addresses(random.chance(0.8) ? 1 : .random(in: 2...4, using: &random), blocks: 1)
        let (begin, length) = span(random.logUniform(0.1...24))
        let times = times(budget, begin, length)
        return fill(orders, accounts, times) { _, random in random.one(of: addresses) }
    }

    private mutating func manyAddresses(_ budget: Int) -> [TracedLike] {
        // Each account likes for many customers, and changes its address all the time.
        let accounts = accounts(max(1, Int(Double(budget) / random.logUniform(40...300))))
        let blocks = Int(random.logUniform(50...2000))
        let addresses = addresses(Int(random.logUniform(Double(blocks)...6000)), blocks: blocks)
        let perAddress = random.chance(0.7) ? 1 : Int.random(in: 2...5, using: &random)
        let orders = orders(
            Int(Double(budget) * Double.random(in: 0.6...1, using: &random)), likes: 1...Double(accounts.count))
        let (begin, length) = span(Double(budget) / Double(accounts.count) / random.logUniform(4...120))
        var uses: [UInt32: (address: NetworkAddress, left: Int)] = [:]
        return fill(orders, accounts, times(budget, begin, length)) { account, random in
            var use = uses[account.user] ?? (addresses[0], 0)
            if use.left == 0 { use = (random.one(of: addresses), perAddress) }
            use.left -= 1
            uses[account.user] = use
            return use.address
        }
    }

    private mutating func slowDrip(_ budget: Int) -> [TracedLike] {
        let lure = Double.random(in: 0...0.5, using: &random)
        let orders = orders(Int(Double(budget) * (1 - lure)))
        let most = orders.map(\.likes).max() ?? 1
        let accounts = accounts(max(most, Int(Double(budget) / random.logUniform(3...30))))
        let blocks = Int(random.logUniform(2...24))
        let addresses = addresses(Int(Double(blocks) * random.logUniform(1...40)), blocks: blocks)
        let isFaithful = random.chance(0.6)
        var own: [UInt32: NetworkAddress] = [:]
        let (begin, length) = span(Double.random(in: 60...160, using: &random))
        return fill(orders, accounts, times(budget, begin, length)) { account, random in
            let address = own[account.user] ?? random.one(of: addresses)
            if isFaithful { own[account.user] = address }
            return address
        }
    }

    private mutating func toggling(_ budget: Int) -> [TracedLike] {
        let rounds = Int(random.logUniform(4...30))
        let pairs = max(1, budget / rounds)
        let targets = (0..<Int.random(in: 1...5, using: &random)).map { _ in target() }
        let accounts = accounts(max(1, pairs / targets.count))
        let isApart = random.chance(0.4)
        let addresses = addresses(
            isApart ? accounts.count : .random(in: 1...8, using: &random), blocks: isApart ? accounts.count : 3)
        let gap = random.logUniform(5...7200) * 1000
        let jitter = Double.random(in: 0...1, using: &random)
        let (begin, length) = span(random.logUniform(1...100))
        var likes: [TracedLike] = []
        for (place, account) in accounts.enumerated() {
            for target in targets where likes.count < budget * 2 {
                var at = Double(begin) + Double.random(in: 0...Double(length), using: &random)
                for _ in 0..<rounds {
                    var like = like(account, target, addresses[isApart ? place : place % addresses.count], Int64(at))
                    likes.append(like)
                    let wait = gap * (1 + jitter * Double.random(in: -0.95...0.95, using: &random))
                    like.isUnlike = true
                    like.milliseconds += Int64(wait * Double.random(in: 0.2...0.8, using: &random))
                    likes.append(like)
                    at += wait
                }
            }
        }
        return likes.filter { $0.milliseconds <= end }
    }

    // MARK: What they have in common

    private struct Account {
        var user: UInt32
        var client: UInt32
    }

    /// What a customer pays for.
    private struct Order {
        var content: UInt32
        var likes: Int
    }

    private mutating func accounts(_ count: Int) -> [Account] {
        let style = Double.random(in: 0..<1, using: &random)
        let country = random.index(weights: networks.countries.map(\.weight))
        let one = style < 0.35 ? clients.any(in: country, &random) : 5000 + .random(in: 0..<100, using: &random)
        return (0..<max(1, count)).map { _ in
            defer { nextUser += 1 }
            return Account(
                user: nextUser, client: style < 0.75 && style >= 0.35 ? clients.any(in: country, &random) : one)
        }
    }

    /// A content that somebody pays for: one that nobody else likes, one of the trace, one that is popular.
    private mutating func target() -> UInt32 {
        let style = Double.random(in: 0..<1, using: &random)
        if style < 0.5 {
            nextContent += 1
            return nextContent
        }
        return style < 0.8 ? random.one(of: contents) : random.one(of: people).content
    }

    private mutating func orders(_ budget: Int, likes: ClosedRange<Double> = 40...400) -> [Order] {
        var orders: [Order] = []
        var left = max(1, budget)
        while left > 0 {
            let likes = min(left, Int(random.logUniform(likes)))
            orders.append(Order(content: target(), likes: likes))
            left -= likes
        }
        return orders
    }

    /// Where a farm is: at a hosting provider, behind relays that people use too, in homes, behind a carrier.
    private mutating func addresses(_ count: Int, blocks: Int) -> [NetworkAddress] {
        let style = Double.random(in: 0..<1, using: &random)
        let country = networks.countries[random.index(weights: networks.countries.map(\.weight))]
        let relays = networks.relays.flatMap { $0 }
        let hosts = networks.space.blocks(blocks, &random)
        let homes = (0..<blocks).map { _ in random.one(of: country.providers[0].blocks) }
        return (0..<count).map { _ in
            switch style {
            case ..<0.45: NetworkAddress(v4: random.one(of: hosts) + .random(in: 1...254, using: &random))
            case ..<0.6: NetworkAddress(v4: random.one(of: relays))
            case ..<0.85: NetworkAddress(v4: random.one(of: homes) + .random(in: 1...254, using: &random))
            default: random.one(of: country.carriers).address(isV6: false, &random)
            }
        }
    }

    /// When a farm of so many hours works: somewhere in the trace, or when people are many.
    private mutating func span(_ hours: Double) -> (begin: Int64, length: Int64) {
        let length = min(Int64(hours * Double(Farms.hourMilliseconds)), end * 95 / 100)
        let begin = random.chance(0.5) ? random.one(of: people).milliseconds : Int64.random(in: 0...end, using: &random)
        return (min(begin, end - length), length)
    }

    /// `count` times in a span, by one of a few habits.
    private mutating func times(_ count: Int, _ begin: Int64, _ length: Int64) -> [Int64] {
        let style = Int.random(in: 0..<4, using: &random)
        let bursts = (0..<Int.random(in: 2...12, using: &random)).map { _ in Double.random(in: 0...0.95, using: &random)
        }
        let jitter = random.logUniform(0.01...1)
        return (0..<count).map { place in
            let share: Double
            switch style {
            case 0: share = .random(in: 0...1, using: &random)
            case 1: share = (Double(place) + .random(in: 0...jitter, using: &random)) / Double(count)
            case 2: share = min(1, -log(1 - .random(in: 0..<1, using: &random)) / 4)
            default: share = random.one(of: bursts) + .random(in: 0...0.05, using: &random)
            }
            return min(end, begin + Int64(share * Double(length)))
        }.sorted()
    }

    private func like(_ account: Account, _ content: UInt32, _ address: NetworkAddress, _ at: Int64) -> TracedLike {
        TracedLike(
            milliseconds: at, user: account.user, content: content, address: address, client: account.client)
    }

    /// Gives each time an account and a content: what was ordered, mixed with what is popular at that moment.
    private mutating func fill(
        _ orders: [Order], _ accounts: [Account], _ times: [Int64],
        _ address: (Account, inout SplitMix) -> NetworkAddress
    ) -> [TracedLike] {
        var work: [(account: Account, content: UInt32?)] = []
        for order in orders {
            // Each account likes a content once.
            for account in accounts.shuffled(using: &random).prefix(order.likes) {
                work.append((account, order.content))
            }
        }
        while work.count < times.count { work.append((random.one(of: accounts), nil)) }
        work.shuffle(using: &random)
        return zip(work, times).map { work, time in
            like(work.account, work.content ?? popular(at: time), address(work.account, &random), time)
        }
    }

    /// What one of the people likes at about that time.
    private mutating func popular(at time: Int64) -> UInt32 {
        var (low, high) = (0, people.count)
        while low < high {
            let middle = (low + high) / 2
            if people[middle].milliseconds < time { low = middle + 1 } else { high = middle }
        }
        return people[max(0, min(low, people.count - 1) - .random(in: 0...200, using: &random))].content
    }
}
