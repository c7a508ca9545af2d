//! Which calls each operation makes.

use super::Bench;
use crate::event;
use crate::function::Function;
use crate::world::{Failed, NEW};
use serde_json::{Map, Value, json};

/// The calls of one invocation of each operation, after one that is not counted.
///
/// # Errors
/// A function is missing, or does not answer as it should.
pub async fn calls(bench: &Bench) -> Result<Value, Failed> {
    let world = &bench.world;
    let operations = [
        (
            "registration, unchanged",
            "register",
            event::register(world, 0),
            201,
        ),
        (
            "registration, new",
            "register",
            event::register(world, NEW),
            201,
        ),
        (
            "unregistration",
            "unregister",
            event::unregister(world),
            204,
        ),
        ("send", "send", event::send(world), 202),
    ];
    let mut shown = Map::new();
    for (name, function, event, status) in operations {
        let function = Function::start(bench.over_http().ours_unoptimised(function)?).await?;
        function.invoke(&event, status, 1).await?;
        let _ = bench.plain.seen();
        function.invoke(&event, status, 1).await?;
        shown.insert(name.to_owned(), json!(bench.plain.seen().calls));
        function.end().await;
    }
    Ok(shown.into())
}
