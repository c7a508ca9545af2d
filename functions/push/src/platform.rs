//! The two services that carry a push to a phone.

use crate::Invalid;
use std::fmt;

/// Who delivers to a device. The Web has no place here: its tokens are refused and its targets match nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// Apple's service; `A` on the wire.
    Apns,
    /// Google's service; `G` on the wire.
    Fcm,
}

impl Platform {
    /// Both, in the order of their letters.
    pub const ALL: [Self; 2] = [Self::Apns, Self::Fcm];

    /// # Errors
    /// [`Invalid`] names `platform`.
    pub fn parse(letter: &str) -> Result<Self, Invalid> {
        match letter {
            "A" => Ok(Self::Apns),
            "G" => Ok(Self::Fcm),
            _ => Err(Invalid::new("platform", "It is 'A' (APNs) or 'G' (FCM).")),
        }
    }

    /// The letter on the wire and in the table.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Apns => "A",
            Self::Fcm => "G",
        }
    }
}

/// The name that people know it by.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apns => "APNs",
            Self::Fcm => "FCM",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_one_of_two_letters() {
        for platform in Platform::ALL {
            assert_eq!(Platform::parse(platform.letter()), Ok(platform));
        }
        for bad in ["", "a", "g", "AG", "WEB_CHROME", "APNS"] {
            assert_eq!(Platform::parse(bad).unwrap_err().parameter(), "platform");
        }
    }
}
