//! The protocol of bindings as a model: every interleaving of a few calls is explored, with the real decisions of `push`
//! in the middle and a model of what stands around them.

mod asking;
mod exploration;
mod guard;
mod judge;
mod ledger;
mod names;
pub mod plan;
mod protocol;
mod reached;
mod scenario;
mod shell;
mod steps;
mod table;
mod trace;
mod world;

pub use exploration::{Counterexample, Report, explore};
pub use guard::Guard;
pub use judge::{Beyond, Fault};
pub use names::{Device, Token, User};
pub use protocol::{INVARIANTS, Protocol, Step};
pub use reached::Reached;
pub use scenario::{Age, By, Grain, Order, Scenario, Stand};
pub use world::{Answer, World};
