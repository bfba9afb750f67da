/// Hands a thing that is not Sendable to the one thread that will use it.
///
/// `@unchecked Sendable`: guarded by being read once, on that thread.
struct Confined<T>: @unchecked Sendable {
    let value: T

    init(_ value: T) { self.value = value }
}
