//! The ClickUp connector against the stateful fake.

mod calls;
mod customs;
mod reading;
mod world;
mod writing;
