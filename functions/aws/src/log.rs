//! The log: one JSON object a line on standard output, without the chatter of the libraries below.

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log of this process. A second call changes nothing. Of a panic it tells the place, not the message, which
/// can hold a value.
pub fn init() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a panic");
    }));
    let _ = tracing_subscriber::registry()
        .with(layer(std::io::stdout))
        .try_init();
}

/// The log's form, written to `writer`.
pub fn layer<S, W>(writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let ours = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets([
            ("hyper", LevelFilter::WARN),
            ("aws_", LevelFilter::WARN),
            // It would write out the events that it cannot read.
            ("lambda_runtime", LevelFilter::OFF),
        ]);
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .without_time()
        .with_writer(writer)
        .with_filter(ours)
}
