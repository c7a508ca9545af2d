//! Which part of a list is asked for.

use crate::Call;
use push::Invalid;
use std::ops::RangeInclusive;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// So many are left out.
    pub offset: usize,
    /// At most so many follow.
    pub size: usize,
}

/// What lies further back is reached by a cursor, where there is one.
const OFFSETS: RangeInclusive<usize> = 0..=1000;
const SIZES: RangeInclusive<usize> = 1..=MOST;
const SIZE: usize = 100;
/// The most that one page holds.
const MOST: usize = 500;

impl Page {
    /// The query parameters of a list that has no others. `expand` is IBM's, and changes nothing. IBM's clients also send
    /// these with reads that are no lists.
    pub const PARAMETERS: [&str; 3] = ["expand", "offset", "size"];

    /// `offset` and `size` of the query; empty values count as absent.
    ///
    /// # Errors
    /// [`Invalid`] names the one that is no number, or none that may be.
    pub fn of(call: &Call) -> Result<Self, Invalid> {
        Self::sized(call, SIZE)
    }

    /// The same, of a list that is short enough for a caller who names no size to want all of it.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn large(call: &Call) -> Result<Self, Invalid> {
        Self::sized(call, MOST)
    }

    fn sized(call: &Call, size: usize) -> Result<Self, Invalid> {
        Ok(Self {
            offset: number("offset", call.query("offset"), 0, &OFFSETS)?,
            size: number("size", call.query("size"), size, &SIZES)?,
        })
    }
}

fn number(
    name: &str,
    text: Option<&str>,
    default: usize,
    range: &RangeInclusive<usize>,
) -> Result<usize, Invalid> {
    let Some(text) = text else {
        return Ok(default);
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|n| digits && range.contains(n));
    number.ok_or_else(|| {
        let rule = format!("It is a number from {} to {}.", range.start(), range.end());
        Invalid::new(name, rule)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_on_both_sides_of_each_limit() {
        let size =
            |text| number("size", text, SIZE, &SIZES).map_err(|bad| bad.parameter().to_owned());
        for (text, expected) in [(None, 100), (Some("1"), 1), (Some("0500"), 500)] {
            assert_eq!(size(text), Ok(expected));
        }
        let long = "9".repeat(99);
        for bad in ["0", "501", "-1", "+1", "1.0", "1,2", "x", " 1", &long] {
            assert_eq!(size(Some(bad)), Err("size".to_owned()), "{bad}");
        }
    }
}
