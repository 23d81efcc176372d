//! The rules of syncing, one by one: the real engine and connectors against both fakes, with people editing on both
//! sides. Every rule ends with cycles that must write nothing.

mod ado_writes;
mod answers;
mod bench;
mod choices;
mod claims;
mod direction;
mod doubt;
mod fields;
mod formatting;
use crate::common::instance;
mod kept;
mod noise;
mod parents;
mod presence;
mod rails;
mod refusals;
mod restored;
mod scope;
mod set_back;
mod sets;
mod steps;
mod taken_back;
mod text;
mod undone;
mod vanished;
