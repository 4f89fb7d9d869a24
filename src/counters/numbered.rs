//! Counters by the number of a variant.

/// Checks while compiling that a list of all variants has each at the place of its number, up to the last: counters are
/// found by that number, and named by that place.
macro_rules! assert_numbered {
    ($all:expr, $last:expr) => {
        const _: () = {
            let mut at = 0;
            while at < $all.len() {
                assert!($all[at] as usize == at);
                at += 1;
            }
            assert!($last as usize + 1 == $all.len());
        };
    };
}

pub(crate) use assert_numbered;
