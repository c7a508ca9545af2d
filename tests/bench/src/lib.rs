//! What Userpush costs, beside controls of the same run.

pub mod event;
pub mod figures;
pub mod function;
pub mod gates;
pub mod instructions;
pub mod plot;
pub mod prices;
pub mod programs;
pub mod quota;
pub mod report;
pub mod scale;
pub mod scenario;
pub mod stub;
pub mod world;
