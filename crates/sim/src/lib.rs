//! The deterministic simulation of the real engine: one thread, seeded, virtual time, both services in memory.
//!
//! | module | what it is |
//! |---|---|
//! | [`script`] | a history as data: what people do and what breaks, and when |
//! | [`generate`], [`lost_answers`] | writes the history of a seed, and the parts of it in which answers are lost |
//! | [`kinds`] | the synced fields: the rows of the program's table, and what people do to their values |
//! | [`world`] | both services: records with every state that they ever had, lagging listings, people |
//! | [`commands`] | people's commands between the cycles, each a process of its own |
//! | [`asked`] | `apply` with its question, while people go on working |
//! | [`config_moves`], [`claims`], [`places`] | commands about plans, names, tables and pairs; installations beside one another; places that are gone |
//! | [`enrich`] | puts those into a history |
//! | [`left_out`] | answers that leave fields out |
//! | [`vanish`] | tasks that answer 404 one by one although nobody deleted them |
//! | [`nested`] | tasks below tasks, which go to the trash along with their parent |
//! | [`policies`], [`told`], [`noted`] | the configuration at a moment, what the judge knows of commands, and what the history leaves open |
//! | [`people`], [`service`] | what people do to it, and what requests do |
//! | [`quirks`] | what services do to a write that they accept, and the judge of what is made of their answers |
//! | [`remote`], [`calls`], [`updates`], [`deliver`] | `Reader` and `Writer` over the world, with faults before and after every call |
//! | [`repeated`] | writes that the client sends again because an answer was lost |
//! | [`oracle`] | the judge: knows what was asked of the services, never what the engine thinks |
//! | [`scope_law`], [`half_way_law`], [`guard_law`], [`apart_law`], [`bases_law`], [`commands_law`] | the same for what lies outside a pair, for states that only the engine wrote half way, for the mass-change guard, for what an undo leaves apart, for what the database says, and for what commands do to values |
//! | [`ending`] | the same at the end, when everything is quiet |
//! | [`run`], [`quiet`] | one history with the real engine and an in-memory database, and its quiet end |
//! | [`stores`] | databases in memory, used again from history to history |
//! | [`shrink`] | makes a failing script small |
//! | [`controls`], [`control_steps`] | known-bad designs that the judge has to catch, and what happens first where one is tried |
//! | [`crashes`] | the process killed at every point of a history |
//! | [`many`] | many seeds, with figures |
//!
//! Nothing here reads a clock or a random source of the computer (but the stop watch of [`many`]), so a script has one
//! outcome.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test bench: what cannot go on should stop there, and names say what things are"
)]

pub mod apart_law;
pub mod asked;
pub mod bases_law;
pub mod calls;
pub mod claims;
pub mod commands;
pub mod commands_law;
pub mod config_moves;
pub mod control_steps;
pub mod controls;
pub mod crashes;
pub mod customs;
pub mod deliver;
pub mod ending;
pub mod enrich;
pub mod generate;
pub mod guard_law;
pub mod half_way_law;
pub mod kinds;
pub mod left_out;
pub mod lost_answers;
pub mod many;
pub mod nested;
pub mod noted;
pub mod oracle;
pub mod people;
pub mod places;
pub mod policies;
pub mod quiet;
pub mod quirks;
pub mod remote;
pub mod repeated;
pub mod rng;
pub mod run;
pub mod scope_law;
pub mod script;
pub mod service;
pub mod shrink;
pub mod stores;
pub mod sweeps;
mod taken_back;
pub mod told;
pub mod updates;
pub mod vanish;
pub mod world;
