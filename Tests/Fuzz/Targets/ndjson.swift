// Bodies of JSON and lines of bulk intake. Lines do not depend on how the body is cut into reads; the scanner takes what
// Foundation takes, and each body's fields are what Foundation reads there; and a line that is read by the template of another
// means what it means when it is read with care.

import LikewiseAPI
import LikewiseCore
import LikewiseServer

private let reactions = try? ReactionSet(ReactionSet.standard)

/// Called by libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func ndjson(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzz(data, count) { bytes in
        body(bytes)
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map {
            UnsafeRawBufferPointer(rebasing: $0)
        }
        pieces(bytes, bytes.last == 10 || bytes.isEmpty ? lines.dropLast() : lines)
        templates(lines)
    }
}

// MARK: Lines

private func pieces(_ bytes: UnsafeRawBufferPointer, _ lines: [UnsafeRawBufferPointer]) {
    var choices = Choices(bytes)
    for maxLineBytes in [8, 100, 8192] {
        var splitter = LineSplitter(maxLineBytes: maxLineBytes)
        var count = 0
        func take(_ line: LineSplitter.Line, _ number: Int) -> Bool {
            count += 1
            require(
                number == count && number <= lines.count, "line \(count) of \(lines.count) has the number \(number)")
            let expected = lines[number - 1]
            switch line {
            case .whole(let found): require(found.elementsEqual(expected), "line \(number) is another")
            case .tooLong: require(expected.count > maxLineBytes, "line \(number) is not too long")
            }
            if expected.count > maxLineBytes, case .whole = line { fatalError("broken: line \(number) is too long") }
            return true
        }
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + choices.below(1 << choices.below(9)))
            splitter.take(bytes.slice(at..<end), take)
            at = end
        }
        splitter.finish(take)
        require(count == lines.count, "\(count) of \(lines.count) lines were handed on")
    }
}

/// What a line came to.
private struct Read: Equatable {
    var content: [UInt8]
    var user: [UInt8]
    var type: [UInt8]
    var reaction: Reaction
}

private func templates(_ lines: [UnsafeRawBufferPointer]) {
    guard let reactions else { return }
    var templates: [LineTemplate] = []
    for line in lines.prefix(16) {
        var scratch: [UInt8] = []
        let read = try? BulkLine(line, scratch: &scratch, reactions: reactions)
        func text(_ slice: Slice) -> [UInt8] { slice.withBytes(body: line, scratch: scratch) { Array($0) } }
        let careful = read.map {
            Read(
                content: text($0.content), user: text($0.user), type: $0.type.map { text($0) } ?? [],
                reaction: $0.reaction)
        }
        for template in templates {
            guard let ids = template.match(line) else { continue }
            let quick = Read(
                content: Array(line[ids.content]), user: Array(line[ids.user]), type: template.type,
                reaction: template.reaction)
            require(quick == careful, "a template reads \(quick), with care it is \(careful as Any)")
        }
        guard let read, let careful else { continue }
        sameAsFoundation(careful, line)
        guard let template = LineTemplate(line, read, scratch: scratch), templates.count < 4 else { continue }
        templates.append(template)
    }
}

private func sameAsFoundation(_ read: Read, _ line: UnsafeRawBufferPointer) {
    guard let fields = object(line), let reactions else { return }
    expect(read.content, FieldNames.content, in: fields)
    expect(read.user, FieldNames.user, in: fields)
    expect(read.type.isEmpty ? nil : read.type, FieldNames.type, in: fields)
    let isUnlike = fields["action"] as? String == "unlike"
    require(isUnlike || fields["action"] as? String == "like", "the action is \(fields["action"] as Any)")
    let name = isUnlike ? nil : fields["reaction"].map { $0 as? String ?? "" } ?? "like"
    require(reactions.name(of: read.reaction) == name, "the reaction is \(read.reaction), not \(name as Any)")
}

// MARK: Bodies

/// The object that a body which ours takes is to Foundation; nil where it may not be JSON to it.
private func object(_ body: UnsafeRawBufferPointer) -> [String: Any]? {
    guard let value = foundationValue(body) else {
        require(mayHaveHugeNumber(body), "Foundation does not take the body")
        return nil
    }
    guard let fields = value as? [String: Any] else { fatalError("broken: the body is \(value), no object") }
    return fields
}

private func body(_ bytes: UnsafeRawBufferPointer) {
    do throws(BodyProblem) {
        try JSONScanner.check(bytes)
        require(foundationValue(bytes) != nil || mayHaveHugeNumber(bytes), "Foundation does not take the body")
    } catch {
        require(
            isLenience(error, bytes) || foundationValue(bytes) == nil,
            "Foundation takes it, not so the scanner: \(error)")
        if case .syntax(_, let at) = error {
            require(0...bytes.count ~= at, "the problem is at \(at) of \(bytes.count)")
        }
    }
    intent(bytes)
    countBatch(bytes)
    held(bytes)
}

private func intent(_ bytes: UnsafeRawBufferPointer) {
    var scratch: [UInt8] = []
    guard let read = try? IntentBody.scan(bytes, scratch: &scratch), let fields = object(bytes) else { return }
    func text(_ slice: Slice?) -> [UInt8]? { slice?.withBytes(body: bytes, scratch: scratch) { Array($0) } }
    expect(text(read.content), FieldNames.content, in: fields)
    expect(text(read.user), FieldNames.user, in: fields)
    expect(text(read.type), FieldNames.type, in: fields)
    expect(text(read.reaction), ["reaction"], in: fields)
    expect(text(read.action), ["action"], in: fields)
    expect(text(read.visibility), ["visibility"], in: fields)
}

private func countBatch(_ bytes: UnsafeRawBufferPointer) {
    var scratch: [UInt8] = []
    guard let read = try? CountBatchBody.scan(bytes, scratch: &scratch), let fields = object(bytes) else { return }
    func text(_ slice: Slice) -> [UInt8] { slice.withBytes(body: bytes, scratch: scratch) { Array($0) } }
    let named = FieldNames.contents.compactMap { fields[$0] }
    require(named.count == 1, "content_ids is there \(named.count) times")
    let expected = (named[0] as? [String])?.map { Array($0.utf8) }
    require(read.contents.map(text) == expected, "the contents are \(named)")
    require(1...WireLimits.countBatchIDs ~= read.contents.count, "\(read.contents.count) contents")
    expect(read.user.map(text), FieldNames.user, in: fields)
}

private func held(_ bytes: UnsafeRawBufferPointer) {
    var scratch: [UInt8] = []
    guard let read = try? HeldBody.scan(bytes, scratch: &scratch), let fields = object(bytes) else { return }
    func text(_ slice: Slice) -> [UInt8] { slice.withBytes(body: bytes, scratch: scratch) { Array($0) } }
    if let content = read.content {
        require(read.items.isEmpty, "there are items beside a content")
        return expect(text(content), FieldNames.content, in: fields)
    }
    require(1...WireLimits.heldItems ~= read.items.count, "\(read.items.count) items")
    let objects = fields["items"].map { $0 as? [[String: Any]] ?? [] } ?? [fields]
    require(objects.count == read.items.count, "\(read.items.count) items of \(objects.count)")
    for (item, object) in zip(read.items, objects) {
        expect(text(item.content), FieldNames.content, in: object)
        expect(text(item.user), FieldNames.user, in: object)
    }
}
