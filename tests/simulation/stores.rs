//! Databases in memory, used again from history to history: making one, with its schema and prepared statements, takes
//! as long as a short history.

use boardsync::store::{Store, StoreError};
use std::cell::RefCell;

/// More than one history has at a time.
const KEPT: usize = 8;

thread_local! {
    static IDLE: RefCell<Vec<Store>> = const { RefCell::new(Vec::new()) };
}

/// Returns an empty database.
pub fn take() -> Result<Store, StoreError> {
    match IDLE.with_borrow_mut(Vec::pop) {
        Some(store) => store.emptied(),
        None => Store::open_in_memory(),
    }
}

/// Takes a database back that is not needed any more.
pub fn give(store: Store) {
    IDLE.with_borrow_mut(|idle| {
        if idle.len() < KEPT {
            idle.push(store);
        }
    });
}
