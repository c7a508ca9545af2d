//! All stories, by theme.

mod arrival;
mod bulk;
mod calls;
mod devices;
mod disabled;
mod erasing;
mod errors;
mod feedback;
mod gateway;
mod id_input;
mod idempotency;
mod jobs;
mod late_logouts;
mod leases;
mod listing;
mod messages;
mod metrics;
mod mission;
mod moving;
mod parameters;
mod proofs;
mod publishing;
mod queue_trouble;
mod races;
mod registration_input;
mod repeating;
mod reports;
mod retirement;
mod secrets;
mod send_input;
mod settings_input;
mod sns;
mod sns_trouble;
mod steadfast;
mod subscription_ends;
mod subscription_input;
mod subscription_lists;
mod subscription_races;
mod subscriptions;
mod table_trouble;
mod tagged;
mod tags;
mod target_input;
mod text_input;
mod webhook_delivery;
mod webhook_events;
mod webhook_input;
mod webhooks;
mod who_ends_and_reads;
mod who_registers;

use crate::story::Story;

/// Every story there is.
pub(crate) fn all() -> Vec<Story> {
    let themes = [
        arrival::stories,
        bulk::stories,
        calls::stories,
        devices::stories,
        disabled::stories,
        erasing::stories,
        errors::stories,
        feedback::stories,
        gateway::stories,
        id_input::stories,
        idempotency::stories,
        jobs::stories,
        late_logouts::stories,
        leases::stories,
        listing::stories,
        messages::stories,
        metrics::stories,
        mission::stories,
        moving::stories,
        parameters::stories,
        proofs::stories,
        publishing::stories,
        queue_trouble::stories,
        races::stories,
        registration_input::stories,
        repeating::stories,
        reports::stories,
        retirement::stories,
        secrets::stories,
        send_input::stories,
        settings_input::stories,
        sns::stories,
        sns_trouble::stories,
        steadfast::stories,
        subscription_ends::stories,
        subscription_input::stories,
        subscription_lists::stories,
        subscription_races::stories,
        subscriptions::stories,
        table_trouble::stories,
        tagged::stories,
        tags::stories,
        target_input::stories,
        text_input::stories,
        webhook_delivery::stories,
        webhook_events::stories,
        webhook_input::stories,
        webhooks::stories,
        who_ends_and_reads::stories,
        who_registers::stories,
    ];
    themes.into_iter().flat_map(|stories| stories()).collect()
}
