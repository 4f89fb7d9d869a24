//! [`NumberSet`]: a frozen, compressed set of numbers, made for look-ups.
//!
//! A number's high part (`number >> 16`) leads through the `directory` to a `container` of low parts (16 bits), whose
//! data lies in an `arena` of large chunks that sets share. `builder` makes sets of numbers as they come, `changed` of
//! another set, `stored` of bytes.

mod arena;
mod builder;
mod changed;
mod container;
mod directory;
mod set;
mod stored;
#[cfg(test)]
mod tests;

pub(super) use builder::NumberSetBuilder;
pub use set::NumberSet;
pub(super) use stored::StoredSet;

fn split(number: u64) -> (u64, u16) {
    (number >> 16, (number & 0xffff) as u16)
}
