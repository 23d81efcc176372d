//! Databases in memory. They are used again from history to history: making one, with its schema and prepared statements, takes
//! as long as a short history.

use boardsync::store::{Store, StoreError};
use std::cell::RefCell;
use std::collections::VecDeque;

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

/// As many transactions as a script puts a database back by, and the present state.
const DEEP: usize = 21;

/// A database after each of its last transactions.
#[derive(Default)]
pub struct Copies {
    /// Whether they are kept at present; each costs as much as a transaction.
    pub wanted: bool,
    kept: VecDeque<Store>,
}

impl Copies {
    pub fn add(&mut self, store: &Store) {
        if !self.wanted {
            return;
        }
        if self.kept.len() == DEEP {
            self.kept.pop_front();
        }
        self.kept.extend(store.copy_in_memory());
    }

    /// Returns the database of `n` transactions ago, or of as many as are kept; `None`: none is.
    pub fn back(&mut self, n: usize) -> Option<Store> {
        let keep = self.kept.len().saturating_sub(n).max(1);
        self.kept.truncate(keep);
        self.kept.back()?.copy_in_memory().ok()
    }
}
