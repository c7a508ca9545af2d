//! What keeps the invariants, as far as it can be left out: the model's shell leaves it out, the rules stay as they are.

/// One of the things that the invariants rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// An item's version is random. Left out: a counter that begins anew with the item.
    RandomVersion,
    /// Calls have their places in the order of arrival. Left out: all have arrived at the same moment.
    Arrived,
    /// A device that ends leaves a tombstone. Left out: its item is deleted.
    Tombstone,
    /// A logout leaves a marker. Left out: it only ends the device, where that is the caller's.
    LogoutMarker,
    /// An end does not move the device's place. Left out: a logout has its own place, instead of a marker.
    LogoutKeepsPlace,
    /// The same for a removal. Left out: it has its own place.
    RemovalKeepsPlace,
    /// A disabled endpoint is enabled once before its device is removed. Left out: the device is removed at once.
    EnabledFirst,
    /// A registration that asks SNS clears that its endpoint was enabled by a send. Left out: it does not.
    AskingClears,
    /// An overtaken registration ends what it would have ended. Left out: it changes nothing.
    OvertakenEnds,
    /// An overtaken registration leaves its place. Left out: it only ends devices.
    OvertakenLeavesPlace,
    /// A token's item keeps its place, also when its device lets go of it. Left out: it has none.
    TokenPlace,
    /// A token's item is overwritten only if it is as it was read. Left out: in any case.
    TokenCondition,
    /// A device that the token's item names, and that does not have the token, must not get it meanwhile. Left out: it is
    /// not looked at again.
    HolderCheck,
    /// A registration that makes a new owner looks for an erasure. Left out: it does not.
    ErasureCheck,
    /// An erasure passes over what was registered after it arrived. Left out: it ends that too.
    ErasurePassesOver,
    /// An erasure looks at the index once more when all that was committed before is visible. Left out: at once.
    ErasureWaits,
    /// A send asks the device's item whose it is. Left out: it trusts the user's index.
    LastWord,
    /// What has expired is absent. Left out: what is there is there, until TTL deletes it.
    ExpiredIsAbsent,
    /// No transaction starts later than ten seconds after its call arrived. Left out: calls live for ever.
    Patience,
    /// A call whose answer was lost asks again in the same words, and DynamoDB answers when all of the transaction is
    /// visible. Left out: it answers when its own device shows the change.
    SameWords,
    /// The order of arrival as a whole. Left out: the rule of version 0.1.0, by which the later call wins, a logout and a
    /// removal too, and an overtaken registration changes nothing.
    OrderOfArrival,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::RandomVersion,
        Self::Arrived,
        Self::Tombstone,
        Self::LogoutMarker,
        Self::LogoutKeepsPlace,
        Self::RemovalKeepsPlace,
        Self::EnabledFirst,
        Self::AskingClears,
        Self::OvertakenEnds,
        Self::OvertakenLeavesPlace,
        Self::TokenPlace,
        Self::TokenCondition,
        Self::HolderCheck,
        Self::ErasureCheck,
        Self::ErasurePassesOver,
        Self::ErasureWaits,
        Self::LastWord,
        Self::ExpiredIsAbsent,
        Self::Patience,
        Self::SameWords,
        Self::OrderOfArrival,
    ];

    /// Whether this one is left out, where `removed` is.
    #[must_use]
    pub fn is_left_out(self, removed: Option<Self>) -> bool {
        let first_rule = [
            Self::LogoutKeepsPlace,
            Self::RemovalKeepsPlace,
            Self::OvertakenEnds,
        ];
        removed == Some(self)
            || (removed == Some(Self::OrderOfArrival) && first_rule.contains(&self))
    }

    /// What happens instead.
    #[must_use]
    pub fn left_out(self) -> &'static str {
        match self {
            Self::RandomVersion => "versions are counted, anew with each item",
            Self::Arrived => "all calls seem to have arrived at once",
            Self::Tombstone => "a device that ends is deleted, without a tombstone",
            Self::LogoutMarker => "a logout leaves no marker",
            Self::LogoutKeepsPlace => "a logout has a place, instead of a marker",
            Self::RemovalKeepsPlace => "a removal has a place",
            Self::EnabledFirst => "a device is removed as soon as its endpoint is found disabled",
            Self::AskingClears => "a registration does not clear that a send enabled its endpoint",
            Self::OvertakenEnds => "an overtaken registration changes nothing",
            Self::OvertakenLeavesPlace => "an overtaken registration leaves no place",
            Self::TokenPlace => "a token's item has no place",
            Self::TokenCondition => "a token's item is overwritten whatever it says",
            Self::HolderCheck => "a device named by the token's item may get the token meanwhile",
            Self::ErasureCheck => "a registration does not look for an erasure",
            Self::ErasurePassesOver => "an erasure ends what was registered after it arrived",
            Self::ErasureWaits => "an erasure looks at the index again at once",
            Self::LastWord => "a send trusts the index, whatever the device's item says",
            Self::ExpiredIsAbsent => "what has expired counts until it is swept",
            Self::Patience => "calls do not give up",
            Self::SameWords => "a call whose answer was lost looks at its own device",
            Self::OrderOfArrival => "the rule of version 0.1.0",
        }
    }
}
