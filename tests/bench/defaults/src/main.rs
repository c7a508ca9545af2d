//! Our registration with every default of the SDKs and of tokio: their HTTP client, the system's certificates, a runtime
//! of several threads, and nothing done before the first event. What it takes is what most functions take.

#![recursion_limit = "256"]

use lambda_http::lambda_runtime;
use push::Time;
use register::Register;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    let settings = Arc::new(aws::Settings::from_environment()?);
    let clock: aws::Clock = Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since.map_or(0, |since| since.as_millis());
        Time::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    });
    let application = settings.application.clone();
    let start = aws::Start {
        settings,
        aws: aws_config::load_from_env().await,
        metrics: aws::Metrics::new(application, Arc::clone(&clock), Arc::new(|_| {})),
        clock,
        outside: aws::outside::Outside::Internet,
    };
    let function = Arc::new(Register::new(&start));
    lambda_runtime::run(lambda_http::service_fn(move |event| {
        let function = Arc::clone(&function);
        let (clock, metrics) = (Arc::clone(&start.clock), start.metrics.clone());
        async move {
            let answer = aws::enter(function.as_ref(), event, &*clock, &metrics);
            Ok::<_, Infallible>(answer.await)
        }
    }))
    .await
}
