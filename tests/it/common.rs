//! What several of the rooms use.

pub mod back_fill;
pub mod instance;
