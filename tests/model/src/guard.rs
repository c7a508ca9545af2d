//! What keeps the invariants, as far as it can be left out: the model's shell leaves it out, the rules stay as they are.

/// One of the things that the invariants rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// An item's version is random. Left out: a counter that begins anew with the item.
    RandomVersion,
    /// What a call writes keeps when that call arrived. Left out: all have arrived at the same moment.
    Arrived,
    /// A device that ends leaves a tombstone. Left out: its item is deleted.
    Tombstone,
    /// A logout from a device that is not known, or not the user's, is remembered. Left out: it changes nothing.
    Departure,
    /// A token's item is overwritten only if it names the device that it was read as naming. Left out: in any case.
    TokenCondition,
    /// A send asks the device's item whose it is. Left out: it trusts the user's index.
    LastWord,
    /// What has expired is absent. Left out: what is there is there, until TTL deletes it.
    ExpiredIsAbsent,
    /// A registration looks at the device that an expired token's item still names. Left out: it takes the token.
    LookAtHolder,
    /// No transaction starts later than ten seconds after its call arrived. Left out: calls live for ever.
    Patience,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::RandomVersion,
        Self::Arrived,
        Self::Tombstone,
        Self::Departure,
        Self::TokenCondition,
        Self::LastWord,
        Self::ExpiredIsAbsent,
        Self::LookAtHolder,
        Self::Patience,
    ];

    /// What happens instead.
    #[must_use]
    pub fn left_out(self) -> &'static str {
        match self {
            Self::RandomVersion => "versions are counted, anew with each item",
            Self::Arrived => "all calls seem to have arrived at once",
            Self::Tombstone => "a device that ends is deleted, without a tombstone",
            Self::Departure => "a logout that is answered 404 is not remembered",
            Self::TokenCondition => "a token's item is overwritten whatever it says",
            Self::LastWord => "a send trusts the index, whatever the device's item says",
            Self::ExpiredIsAbsent => "what has expired counts until it is swept",
            Self::LookAtHolder => "nobody looks at the device that an expired token's item names",
            Self::Patience => "calls do not give up",
        }
    }
}
