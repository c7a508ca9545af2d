//! How long a send takes while every call of AWS takes its time.

use super::{Bench, milliseconds};
use crate::event;
use crate::function::Function;
use crate::world::{Failed, OTHERS, USER};
use serde_json::{Value, json};
use std::time::Duration;

/// What each call is to take; the timer of the stub adds to it.
const DELAY: Duration = Duration::from_millis(20);
/// Publishes in flight, at most; the first is what is asked for where only the devices vary.
const CAPS: [u32; 3] = [32, 16, 64];
const TIMES: u32 = 5;

/// Sends over TLS, by the user's devices and by the cap on publishes in flight. A send looks for the devices and for
/// their owners, and then publishes in as many rounds as the cap makes of them: two calls and those rounds are its limit,
/// each as long as calls really took.
pub(super) async fn wall(bench: &Bench) -> Result<Value, Failed> {
    let mut rows = Vec::new();
    for (user, devices) in OTHERS {
        rows.push(row(bench, user, devices, CAPS[0]).await?);
    }
    for cap in CAPS {
        rows.push(row(bench, USER, bench.world.devices(), cap).await?);
    }
    Ok(rows.into())
}

async fn row(bench: &Bench, user: &str, devices: usize, cap: u32) -> Result<Value, Failed> {
    let event = event::send(&bench.world, user);
    let mut recipe = bench.over_tls().ours("send")?;
    let name = "PUBLISH_CONCURRENCY".to_owned();
    recipe.environment.insert(name, cap.to_string());
    let function = Function::start(recipe).await?;
    bench.tls.delay(DELAY);
    let _ = bench.tls.seen();
    let cold = function.invoke(&event, 202, 1).await?;
    let connections = bench.tls.seen().publishing;
    let warm = function.invoke(&event, 202, TIMES).await?.wall / TIMES;
    let each = bench.tls.seen().each();
    bench.tls.delay(Duration::ZERO);
    function.end().await;
    let limit = each * (2 + u32::try_from(devices)?.div_ceil(cap));
    Ok(json!({
        "devices": devices,
        "in_flight": cap,
        "call_ms": milliseconds(each),
        "first_wall_ms": milliseconds(cold.wall),
        "warm_wall_ms": milliseconds(warm),
        "limit_ms": milliseconds(limit),
        "warm_ratio": warm.as_secs_f64() / limit.as_secs_f64(),
        "new_connections": connections,
    }))
}
