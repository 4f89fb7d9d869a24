//! Which character separates the cells of a file.

/// `,`, `;` or tab: whichever the first line that has any has most of.
pub(super) fn delimiter(text: &[u8]) -> u8 {
    let mut rounded = false;
    for line in text.split(|byte| *byte == b'\n' || *byte == b'\r').filter(|line| !line.is_empty()).take(LINES) {
        let mut counts = [(b';', 0usize), (b'\t', 0), (b',', 0)];
        let mut quoted = false;
        for (at, byte) in line.iter().enumerate() {
            match byte {
                b'"' => quoted = !quoted,
                b',' if is_decimal_mark(line, at) => rounded = true,
                byte if !quoted => counts.iter_mut().filter(|(own, _)| own == byte).for_each(|(_, count)| *count += 1),
                _ => {}
            }
        }
        // Of equal counts the first: a comma stands in texts more often than the others.
        if let Some((byte, _)) =
            counts.into_iter().rev().filter(|(_, count)| *count > 0).max_by_key(|(_, count)| *count)
        {
            return byte;
        }
    }
    // A rounded number (`4,86E+10`) is to be one cell, so that its row says what is wrong.
    if rounded { b';' } else { b',' }
}

/// The comma of `4,86E+10`.
fn is_decimal_mark(line: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| line.get(before)).is_some_and(u8::is_ascii_digit);
    let rest = &line[at + 1..];
    let decimals = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    before && decimals > 0 && rest[decimals..].starts_with(b"E+")
}

/// Enough to pass over a title line or two, and no more than that of a long file of one column.
const LINES: usize = 16;
