import CPlatform

extension Array {
    /// An array for a table that is probed at random: on huge pages where the system has them, so that a probe misses the
    /// processor's page cache less often. That is a third of what a like costs the detector.
    init(probed value: Element, count: Int) {
        self.init(unsafeUninitializedCapacity: count) { elements, initialized in
            // Before anything is written: the system chooses a page's size when it is first touched.
            likewise_use_huge_pages(elements.baseAddress, elements.count * MemoryLayout<Element>.stride)
            elements.initialize(repeating: value)
            initialized = count
        }
    }
}
