// What the engine should hold, kept in the plainest way: an array of reactions by content and user, and counts beside it.
//
// A change can be undone and made again, because what an intent did may be in doubt when a crash comes: the log then says
// how many of the changes in doubt are there, and the model takes over so many of them, from the first on.

import LikewiseCore
import LikewiseEngine

struct SimulationModel {
    struct Cell {
        var reaction: UInt8 = 0
        /// The register's reading; nil where a crash came before it was told.
        var reading: UInt64? = 0
        /// The highest reading that this register ever had, also before a deletion.
        var highest: UInt64 = 0
    }

    struct Content {
        var type = 0
        var visibility = ContentDescription.Visibility.public
        var registered = false
        /// Users by reaction, but for what is held back; index 0 counts nothing.
        var counts = [UInt64](repeating: 0, count: SimulationIDs.reactions + 1)

        var total: UInt64 { counts.reduce(0, +) }
        var description: ContentDescription {
            ContentDescription(type: SimulationIDs.types[type], visibility: visibility, registered: registered)
        }
    }

    enum Change {
        case register(cell: Int, before: Cell, after: Cell, typeBefore: Int, type: Int)
        case describe(content: Int, before: Content, after: Content)
        case delete(content: Int, before: Content, cells: [(cell: Int, before: Cell)])
        case answer(StoredAnswer)
    }

    /// What an intent should be answered, and what it changes.
    struct Expectation {
        var status = Outcome.Status.done
        var old: UInt8 = 0
        var new: UInt8 = 0
        var change: Change?
    }

    let strict: Bool
    private(set) var cells = [Cell](repeating: Cell(), count: (SimulationIDs.contents + 1) * SimulationIDs.stride)
    private(set) var contents = [Content](repeating: Content(), count: SimulationIDs.contents + 1)
    /// By key; the payload is empty where a crash came before the answer was told.
    private(set) var answers: [[UInt8]: StoredAnswer] = [:]
    /// Cells changed since they were last compared.
    var touched: Set<Int> = []

    init(strict: Bool) { self.strict = strict }

    func cell(_ content: Int, _ user: Int) -> Cell { cells[content * SimulationIDs.stride + user] }

    func expect(_ intent: SimulatedIntent) -> Expectation {
        var expected = Expectation()
        if intent.action == .remember { return expected }
        let content = contents[intent.content]
        if strict, !content.registered, intent.action != .putContent {
            expected.status = .contentNotFound
            return expected
        }
        switch intent.action {
        case .putContent:
            var after = content
            after.type = intent.type
            after.visibility = intent.visibility
            after.registered = true
            if after.description != content.description {
                expected.change = .describe(content: intent.content, before: content, after: after)
            }
        case .deleteContent:
            guard content.description != ContentDescription() || content.total > 0 else {
                expected.status = .contentNotFound
                return expected
            }
            let first = intent.content * SimulationIDs.stride
            let held = (first..<(first + SimulationIDs.stride)).filter { cells[$0].reading != 0 }
            expected.change = .delete(
                content: intent.content, before: content, cells: held.map { ($0, cells[$0]) })
        case .read, .react, .clear, .release, .reject, .hold:
            guard intent.user > 0 else { break }
            let place = intent.content * SimulationIDs.stride + intent.user
            let before = cells[place]
            expected.old = before.reaction
            expected.new = before.reaction
            guard intent.action != .read else { break }
            let wanted = SimulationModel.result(of: intent, on: before.reaction)
            guard wanted != before.reaction else { break }
            expected.new = wanted
            expected.change = .register(
                cell: place, before: before, after: Cell(reaction: wanted, reading: nil, highest: before.highest),
                typeBefore: content.type, type: content.type == 0 ? intent.type : content.type)
        case .remember: break
        }
        return expected
    }

    /// What a register holds after an intent of its user, or of the operator. Codes from 128 on are held back.
    private static func result(of intent: SimulatedIntent, on held: UInt8) -> UInt8 {
        let isHeldBack = held >= 128
        switch intent.action {
        case .clear: return 0
        case .release: return isHeldBack ? held - 128 : held
        case .reject: return isHeldBack ? 0 : held
        case .hold: return held == 0 || isHeldBack ? held : held + 128
        default:
            let given = intent.reaction % 128
            if given == held % 128 { return held }
            return isHeldBack || intent.reaction >= 128 ? given + 128 : given
        }
    }

    private mutating func count(_ reaction: UInt8, of content: Int, by sign: Int) {
        guard reaction > 0, reaction < 128 else { return }
        if sign > 0 {
            contents[content].counts[Int(reaction)] += 1
        } else {
            contents[content].counts[Int(reaction)] -= 1
        }
    }

    mutating func make(_ change: Change) {
        switch change {
        case .register(let cell, let before, let after, _, let type):
            cells[cell] = after
            let content = cell / SimulationIDs.stride
            contents[content].type = type
            count(before.reaction, of: content, by: -1)
            count(after.reaction, of: content, by: 1)
            touched.insert(cell)
        case .describe(let content, _, let after):
            contents[content].type = after.type
            contents[content].visibility = after.visibility
            contents[content].registered = after.registered
        case .delete(let content, _, let held):
            contents[content] = Content()
            for (cell, before) in held {
                cells[cell] = Cell(highest: before.highest)
                touched.insert(cell)
            }
        case .answer(let answer): answers[answer.key] = answer
        }
    }

    mutating func undo(_ change: Change) {
        switch change {
        case .register(let cell, let before, let after, let type, _):
            cells[cell] = before
            let content = cell / SimulationIDs.stride
            contents[content].type = type
            count(before.reaction, of: content, by: 1)
            count(after.reaction, of: content, by: -1)
            touched.insert(cell)
        case .describe(let content, let before, _):
            contents[content].type = before.type
            contents[content].visibility = before.visibility
            contents[content].registered = before.registered
        case .delete(let content, let before, let held):
            contents[content] = before
            for (cell, before) in held {
                cells[cell] = before
                touched.insert(cell)
            }
        case .answer(let answer): answers[answer.key] = nil
        }
    }

    /// Takes note of the reading that a register was seen with.
    mutating func learn(_ cell: Int, reading: UInt64) {
        cells[cell].reading = reading
        cells[cell].highest = max(cells[cell].highest, reading)
    }

    /// All that the intents of a batch would do, without doing it: one change per log record.
    mutating func foresee(_ intents: [SimulatedIntent]) -> [Change] {
        var changes: [Change] = []
        for intent in intents where intent.action != .read {
            let expected = expect(intent)
            if let change = expected.change {
                make(change)
                changes.append(change)
            }
            if var answer = intent.answer {
                if intent.action != .remember { answer.payload = [] }
                let change = Change.answer(answer)
                make(change)
                changes.append(change)
            }
        }
        for change in changes.reversed() { undo(change) }
        return changes
    }

    /// Throws where an outcome is not what the model says.
    func check(_ outcome: Outcome, of intent: SimulatedIntent, against expected: Expectation) throws {
        func wrong(_ what: String) -> SimulationMismatch {
            SimulationMismatch("\(intent.action) of \(intent.content) by \(intent.user): \(what)")
        }
        guard outcome.status == expected.status else {
            throw wrong("answered \(outcome.status), expected \(expected.status)")
        }
        guard outcome.old.rawValue == expected.old, outcome.new.rawValue == expected.new else {
            throw wrong(
                "went from \(outcome.old.rawValue) to \(outcome.new.rawValue), "
                    + "expected \(expected.old) to \(expected.new)")
        }
        guard intent.user > 0, outcome.status == .done else { return }
        let cell = self.cell(intent.content, intent.user)
        let reading = outcome.version.reading
        if expected.change != nil {
            guard reading > cell.highest else {
                throw wrong("the version went from \(cell.highest) to \(reading)")
            }
        } else if let known = cell.reading {
            guard reading == known else { throw wrong("version \(reading), expected \(known)") }
        } else if reading <= cell.highest {
            throw wrong("version \(reading) was not above \(cell.highest)")
        }
    }

    /// Throws where a tally is not the number of registers that hold each reaction.
    func check(_ tally: Tally, of content: Int, _ place: String) throws {
        let counts = contents[content].counts
        let isRight =
            tally.total == contents[content].total
            && (1...SimulationIDs.reactions).allSatisfy {
                tally.count(of: Reaction(rawValue: UInt8($0))) == counts[$0]
            }
        guard isRight else {
            let found = (1...SimulationIDs.reactions).map { tally.count(of: Reaction(rawValue: UInt8($0))) }
            throw SimulationMismatch(
                "\(place): content \(content) counts \(found), in all \(tally.total); its registers say "
                    + "\(counts.dropFirst())")
        }
    }
}

extension SimulationIDs {
    /// Cells of one content.
    static let stride = users + 1
}
