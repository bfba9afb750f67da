// Which text is an emoji (Unicode Technical Standard 51), as far as a counter has to know: it groups what people see as one
// picture, and lets nothing pass that is text.

/// One emoji, as it is counted.
package struct Emoji: Hashable, Sendable {
    /// As it is stored and answered, UTF-8.
    package let bytes: [UInt8]

    /// Bytes of the longest that is taken. Families and flags of regions have less than 40.
    package static let mostBytes = 64

    private static let variation: UInt32 = 0xfe0f
    private static let joiner: UInt32 = 0x200d
    private static let keycap: UInt32 = 0x20e3
    /// The letters that flags of countries are made of, two each.
    private static let regionalIndicators: ClosedRange<UInt32> = 0x1f1e6...0x1f1ff
    /// What flags of regions are spelled with.
    private static let tags: ClosedRange<UInt32> = 0xe0020...0xe007f

    /// The emoji that `text` begins with, whatever follows it; nil where it begins with none. One that is sent without the
    /// selector that makes it a picture (U+FE0F) is the same as with it.
    package init?(leading text: some Sequence<UInt8>) {
        let head = Array(text.prefix(Emoji.mostBytes + 1))
        let string = String(decoding: head, as: UTF8.self)
        guard let first = string.first, first.utf8.count <= Emoji.mostBytes else { return nil }
        var scalars = Array(first.unicodeScalars)
        guard Emoji.isEmoji(scalars) else { return nil }
        if scalars.count == 1, !scalars[0].properties.isEmojiPresentation,
            let variation = Unicode.Scalar(Emoji.variation)
        {
            scalars.append(variation)
        }
        var whole = String.UnicodeScalarView()
        whole.append(contentsOf: scalars)
        bytes = Array(String(whole).utf8)
    }

    private static func isEmoji(_ scalars: [Unicode.Scalar]) -> Bool {
        guard let first = scalars.first, first.properties.isEmoji else { return false }
        let hasPicture = scalars.contains { $0.value == variation }
        if regionalIndicators.contains(first.value) {
            return scalars.count == 2 && regionalIndicators.contains(scalars[1].value)
        }
        // Digits, # and * are emoji in Unicode's tables, and pictures as keys only.
        if first.isASCII { return hasPicture && scalars.last?.value == keycap && scalars.count == 3 }
        let fits = scalars.dropFirst().allSatisfy { scalar in
            scalar.properties.isEmoji && !scalar.isASCII || scalar.properties.isEmojiModifier
                || scalar.value == variation || scalar.value == joiner || tags.contains(scalar.value)
        }
        return fits && scalars.last?.value != joiner
    }
}
