//! What clients and backends ask for, each from a state that makes it what its name says.

/// An operation, by the case of the rules that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Registered,
    Unchanged,
    Renewed,
    Rebound,
    Refreshed,
    Reinstalled,
    ReboundAndReinstalled,
    TakenOver,
    Overtaken,
    Updated,
    Subscribed,
    SubscribedAndRebound,
    Read,
    ReadAndRenewed,
    Unregistered,
    UnregisteredAgain,
    LeftAnothers,
    LeftUnknown,
    Told,
    ToldDead,
    ToldDisabled,
    ToldGone,
    ToldWithKey,
    ToldByJob,
    Erased,
    WebhookChanged,
}

/// All of them, in the order of the table.
pub(super) const ALL: [Operation; 26] = [
    Operation::Registered,
    Operation::Unchanged,
    Operation::Renewed,
    Operation::Rebound,
    Operation::Refreshed,
    Operation::Reinstalled,
    Operation::ReboundAndReinstalled,
    Operation::TakenOver,
    Operation::Overtaken,
    Operation::Updated,
    Operation::Subscribed,
    Operation::SubscribedAndRebound,
    Operation::Read,
    Operation::ReadAndRenewed,
    Operation::Unregistered,
    Operation::UnregisteredAgain,
    Operation::LeftAnothers,
    Operation::LeftUnknown,
    Operation::Told,
    Operation::ToldDead,
    Operation::ToldDisabled,
    Operation::ToldGone,
    Operation::ToldWithKey,
    Operation::ToldByJob,
    Operation::Erased,
    Operation::WebhookChanged,
];

impl Operation {
    /// What the table says it is.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Registered => "POST of a new device",
            Self::Unchanged => "POST that changes nothing",
            Self::Renewed => "POST past half of the lease",
            Self::Rebound => "POST for another user",
            Self::Refreshed => "POST with a new token",
            Self::Reinstalled => "POST of a reinstalled app",
            Self::ReboundAndReinstalled => "POST for another user with the token of a third device",
            Self::TakenOver => "POST for nobody, without a secret",
            Self::Overtaken => {
                "POST with the token of a third device, overtaken by a logout of its user"
            }
            Self::Updated => "PUT with a new token and no platform",
            Self::Subscribed => "a subscription to a tag",
            Self::SubscribedAndRebound => {
                "POST for another user of a device that subscribes to a tag"
            }
            Self::Read => "GET",
            Self::ReadAndRenewed => "GET past half of the lease",
            Self::Unregistered => "DELETE",
            Self::UnregisteredAgain => "DELETE, repeated",
            Self::LeftAnothers => "DELETE of another's device",
            Self::LeftUnknown => "DELETE of an unknown device",
            Self::Told => "a send to a user",
            Self::ToldDead => "a send to a user whose endpoint is disabled again",
            Self::ToldDisabled => "a send to a user whose endpoint is disabled",
            Self::ToldGone => "a send to a user whose endpoint is gone",
            Self::ToldWithKey => "a send to a user with an Idempotency-Key",
            Self::ToldByJob => "a send to more than 100 users with an Idempotency-Key",
            Self::Erased => "DELETE of a user",
            Self::WebhookChanged => "PUT of a webhook",
        }
    }

    /// The status of success.
    pub(super) const fn success(self) -> u16 {
        match self {
            Self::Registered
            | Self::Unchanged
            | Self::Renewed
            | Self::Rebound
            | Self::Refreshed
            | Self::Reinstalled
            | Self::ReboundAndReinstalled
            | Self::TakenOver
            | Self::Overtaken
            | Self::Subscribed
            | Self::SubscribedAndRebound => 201,
            Self::Updated | Self::Read | Self::ReadAndRenewed | Self::WebhookChanged => 200,
            Self::Unregistered | Self::UnregisteredAgain | Self::Erased => 204,
            Self::LeftAnothers | Self::LeftUnknown => 404,
            Self::Told
            | Self::ToldDead
            | Self::ToldDisabled
            | Self::ToldGone
            | Self::ToldWithKey
            | Self::ToldByJob => 202,
        }
    }

    /// Whether the table shows which devices have a logout noted: all that the operation does is that it notes one, or
    /// one that is noted decides what it does.
    pub(super) const fn shows_logouts(self) -> bool {
        matches!(
            self,
            Self::Overtaken | Self::UnregisteredAgain | Self::LeftAnothers | Self::LeftUnknown
        )
    }

    /// Whether it needs a server with webhooks, on which the other operations make more calls.
    pub(super) const fn needs_webhooks(self) -> bool {
        matches!(self, Self::WebhookChanged)
    }

    /// Whether it is a send.
    pub(super) const fn sends(self) -> bool {
        self.success() == 202
    }

    /// Whether its repeat is told from a second send.
    pub(super) const fn has_key(self) -> bool {
        matches!(self, Self::ToldWithKey | Self::ToldByJob)
    }
}
