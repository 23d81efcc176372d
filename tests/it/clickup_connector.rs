//! The ClickUp connector against the stateful fake.

mod calls;
mod reading;
mod world;
mod writing;
