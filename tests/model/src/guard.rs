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
    /// A token's item is overwritten only if it is as it was read. Left out: in any case.
    TokenCondition,
    /// A send asks the device's item whose it is. Left out: it trusts the user's index.
    LastWord,
    /// What has expired is absent. Left out: what is there is there, until TTL deletes it.
    ExpiredIsAbsent,
    /// No transaction starts later than ten seconds after its call arrived. Left out: calls live for ever.
    Patience,
    /// A token's item keeps when the token was last taken, for a day after its device let go of it too. Left out: it keeps
    /// no time.
    TokenArrived,
    /// A call whose answer was lost asks again in the same words, and DynamoDB answers when all of the transaction is
    /// visible. Left out: it answers when its own device shows the change.
    SameWords,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::RandomVersion,
        Self::Arrived,
        Self::Tombstone,
        Self::Departure,
        Self::TokenCondition,
        Self::LastWord,
        Self::ExpiredIsAbsent,
        Self::Patience,
        Self::TokenArrived,
        Self::SameWords,
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
            Self::Patience => "calls do not give up",
            Self::TokenArrived => "a token's item keeps no time",
            Self::SameWords => "a call whose answer was lost looks at its own device",
        }
    }
}
