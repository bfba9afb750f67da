/// Hands a thing that is not Sendable to the one thread that will use it.
///
/// `@unchecked Sendable`: guarded by being read once, on that thread.
package struct Confined<T>: @unchecked Sendable {
    package let value: T

    package init(_ value: T) { self.value = value }
}
