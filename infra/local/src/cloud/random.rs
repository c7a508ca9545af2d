//! Chance: for secrets from the system's source, for experiments from a seed.

/// So many characters, each drawn evenly from the alphabet by the system's random source.
///
/// # Errors
/// The system gives no random bytes.
pub fn text(alphabet: &[u8], length: usize) -> Result<String, getrandom::Error> {
    // Bytes past the last whole multiple are thrown away, or the first letters would come more often.
    let fair = 256 - 256 % alphabet.len().max(1);
    let mut out = String::with_capacity(length);
    let mut bytes = [0; 64];
    while !alphabet.is_empty() && out.len() < length {
        getrandom::fill(&mut bytes)?;
        let letters = bytes
            .iter()
            .map(|byte| usize::from(*byte))
            .filter(|byte| *byte < fair)
            .filter_map(|byte| alphabet.get(byte % alphabet.len()));
        let missing = length - out.len();
        out.extend(letters.take(missing).map(|byte| char::from(*byte)));
    }
    Ok(out)
}

/// A sequence that its seed decides (`SplitMix64`, Steele, Lea and Flood 2014).
pub struct Seeded(u64);

impl Seeded {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, from 0 up to but without 1.
    pub fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // 32 bits are exact in a double.
        let high = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or_default();
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_its_length_and_every_letter() {
        let drawn = text(b"abc", 1000).unwrap();
        assert_eq!(drawn.len(), 1000);
        assert!(drawn.bytes().all(|byte| b"abc".contains(&byte)));
        assert!(
            b"abc"
                .iter()
                .all(|letter| drawn.bytes().any(|byte| byte == *letter))
        );
        assert_ne!(drawn, text(b"abc", 1000).unwrap());
    }

    #[test]
    fn a_seed_decides_its_sequence() {
        let draw = |seed| {
            let mut chance = Seeded::new(seed);
            std::iter::repeat_with(move || chance.fraction())
                .take(1000)
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let mean = draw(1).iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert!(draw(3).iter().all(|number| (0.0..1.0).contains(number)));
    }
}
