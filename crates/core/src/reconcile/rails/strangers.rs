//! Another installation's markers in a pair that this one is new to.
//!
//! Two installations on one pair make a twin of every item that has no marker yet, and neither sees it coming: only what
//! the other one has marked can be told apart. So one that has linked nothing here and finds such items writes nothing at
//! all, until a person says whose pair it is. Where this one did link something before, it is the older one and goes on;
//! what a stranger marked is held item by item.

use crate::marker;
use crate::model::{ItemId, PairName, Side};
use crate::reconcile::{Origin, View};

/// Returns why nothing of the pair may be carried out, as a sentence; `None`: no item carries a stranger's marker.
pub fn judge(view: &View, pair: &PairName) -> Option<String> {
    let mut count = 0_usize;
    let mut examples: Vec<String> = Vec::new();
    for side in Side::BOTH {
        let mut foreign: Vec<(&ItemId, marker::Marker)> = Vec::new();
        for fresh in view.fresh.get(side) {
            let held = matches!(&fresh.origin, Origin::Held(why) if why.is_strangers_marker());
            // Text that is no marker at all proves nobody; its item is held, and that is enough.
            let mut markers = fresh.item.markers.iter().filter(|_| held);
            if let Some(marker) = markers.find_map(|text| marker::parse(text)) {
                foreign.push((&fresh.item.id, marker));
            }
        }
        count += foreign.len();
        // The smallest, so that the sentence does not depend on the order of the rows.
        if let Some((id, marker)) = foreign.into_iter().min() {
            let name = match marker.pair == *pair {
                true => String::new(),
                false => format!(" by a pair called {}", marker.pair),
            };
            examples.push(format!(
                "{side} {id} (made for {} {}{name})",
                marker.side, marker.id
            ));
        }
    }
    if examples.is_empty() {
        return None;
    }
    let carry = match count {
        1 => "1 item carries a marker".to_owned(),
        n => format!("{n} items carry markers"),
    };
    Some(format!(
        "{carry} of another installation, such as {}, and this one has linked nothing here yet: another boardsync works on \
         this pair, or one did and its state is lost. Stop the other one, or restore its database and .key file here; to have this \
         one take the pair over instead: `boardsync links takeover {pair}`",
        examples.join(" and ")
    ))
}
