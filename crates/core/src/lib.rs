//! What decides, and nothing else: plain values go in, a plan comes out. No clock, file or network is within reach; the
//! list of dependencies sees to that.

pub mod capabilities;
pub mod claim;
pub mod field;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
pub mod mapping;
pub mod marker;
pub mod model;
pub mod reason;
pub mod reconcile;
pub mod render;
