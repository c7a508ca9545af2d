//! What a function costs until its first answer, and for each one after it.

use super::{Bench, spread};
use crate::event;
use crate::function::Function;
use crate::quota::Quota;
use crate::world::Failed;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tests::Recipe;

/// Starts of a program of ours, and of a peer, which takes a hundred times as long.
const STARTS: [usize; 2] = [21, 7];
/// Warm invocations that are measured together, after others that are not.
const WARM: u32 = 2_000;
/// What an answer takes under the quota: so much the network takes between Lambda and DynamoDB.
const DELAY: Duration = Duration::from_millis(5);
/// The memory of the function whose share of a processor is emulated, in MB.
const MEMORY: u64 = 128;
/// The languages of the peers.
pub(super) const PEERS: [&str; 3] = ["node", "python", "go"];

/// Start and first registration over TLS: CPU in milliseconds, peak memory in KiB.
pub(super) async fn start(bench: &Bench) -> Result<Value, Failed> {
    let place = bench.over_tls();
    let mut programs = vec![
        (place.control("hello")?, STARTS[0]),
        (place.ours("register")?, STARTS[0]),
        (place.defaults()?, STARTS[0]),
    ];
    for language in PEERS {
        programs.push((place.peer(language, "register")?, STARTS[1]));
    }
    let mut taken: Vec<Taken> = programs.iter().map(|_| Taken::default()).collect();
    // In turns, so that what the machine does beside it is the same for all.
    for turn in 0..STARTS[0] {
        for ((recipe, starts), taken) in programs.iter().zip(&mut taken) {
            if turn < *starts {
                taken.start(bench, recipe).await?;
            }
        }
    }
    let shown = programs.iter().zip(&taken);
    let shown: Map<_, _> = shown
        .map(|((recipe, _), taken)| (recipe.name.clone(), taken.show()))
        .collect();
    Ok(shown.into())
}

#[derive(Default)]
struct Taken {
    init: Vec<Duration>,
    first: Vec<Duration>,
    both: Vec<Duration>,
    wall: Vec<Duration>,
    peak: Vec<u64>,
}

impl Taken {
    async fn start(&mut self, bench: &Bench, recipe: &Recipe) -> Result<(), Failed> {
        let function = Function::start(recipe.clone()).await?;
        let event = event::register(&bench.world, 0);
        let first = function.invoke(&event, 201, 1).await?;
        self.init.push(function.init);
        self.first.push(first.cpu);
        self.both.push(function.init + first.cpu);
        self.wall.push(first.wall);
        self.peak.push(function.peak_memory());
        function.end().await;
        Ok(())
    }

    fn show(&self) -> Value {
        json!({
            "init_cpu_ms": spread(&self.init),
            "first_cpu_ms": spread(&self.first),
            "init_and_first_cpu_ms": spread(&self.both),
            "first_wall_ms": spread(&self.wall),
            "peak_memory_kib": self.peak.iter().max(),
        })
    }
}

/// The first registration after a start at full speed, with the share of a processor that a function of 128 MB has: wall in
/// milliseconds, less what the stub takes for its answers.
pub(super) async fn under_quota(bench: &Bench) -> Result<Value, Failed> {
    let place = bench.over_tls();
    let programs = [place.ours("register")?, place.defaults()?];
    let event = event::register(&bench.world, 0);
    let mut shown = Map::new();
    bench.tls.delay(DELAY);
    for recipe in &programs {
        let mut walls = Vec::new();
        for _ in 0..STARTS[1] {
            let quota = Quota::of(MEMORY)?;
            let function = Function::start(recipe.clone()).await?;
            quota.hold(function.process())?;
            let _ = bench.tls.seen();
            let first = function.invoke(&event, 201, 1).await?;
            walls.push(first.wall.saturating_sub(bench.tls.seen().took));
            function.end().await;
        }
        let measured = json!({"first_wall_less_delay_ms": spread(&walls)});
        shown.insert(recipe.name.clone(), measured);
    }
    bench.tls.delay(Duration::ZERO);
    shown.insert("delay_ms".to_owned(), json!(DELAY.as_millis()));
    shown.insert("memory_mb".to_owned(), json!(MEMORY));
    Ok(shown.into())
}

/// An unchanged registration over TLS, again and again: CPU in microseconds for each.
pub(super) async fn warm(bench: &Bench) -> Result<Value, Failed> {
    let place = bench.over_tls();
    let mut programs = vec![
        place.control("hello")?,
        place.control("bare")?,
        place.ours("register")?,
        place.defaults()?,
    ];
    for language in PEERS {
        programs.push(place.peer(language, "register")?);
    }
    let event = event::register(&bench.world, 0);
    let mut shown = Map::new();
    for recipe in programs {
        let name = recipe.name.clone();
        let function = Function::start(recipe).await?;
        function.invoke(&event, 201, WARM / 10).await?;
        let warm = function.invoke(&event, 201, WARM).await?;
        let each = |span: Duration| (span.as_secs_f64() * 1e7 / f64::from(WARM)).round() / 10.0;
        let measured = json!({
            "cpu_us": each(warm.cpu),
            "wall_us": each(warm.wall),
            "peak_memory_kib": function.peak_memory(),
        });
        shown.insert(name, measured);
        function.end().await;
    }
    Ok(shown.into())
}
