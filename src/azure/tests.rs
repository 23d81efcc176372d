//! Reader and writer against a small scripted server: what is asked, how often, and what is made of the answers.

mod gone;
mod reading;
mod refused;
mod retype;
mod server;
mod tags;
mod writing;

use super::*;
use crate::field::{Direction, FieldSpecs, Wanted};
use crate::model::FieldKey;

/// Builds a scope with nothing optional set.
pub(super) fn scope(pair: &str, project: &str) -> Scope {
    Scope {
        pair: PairName::from(pair),
        project: project.to_owned(),
        area: None,
        condition: None,
        assigned_to: None,
        default_type: "Task".to_owned(),
        area_for_new: None,
        fields: BTreeMap::new(),
        marker_hosts: Vec::new(),
    }
}

/// The specs of a type that has these fields under these names.
pub(super) fn named(names: &[(FieldKey, &str)]) -> FieldSpecs {
    let has: BTreeSet<String> = names.iter().map(|(_, name)| (*name).to_owned()).collect();
    let wanted = names.iter().map(|(key, name)| {
        let wanted = Wanted::new(key, Direction::Both, Some((*name).to_owned()));
        (key.clone(), wanted)
    });
    FieldSpecs::resolve(&wanted.collect(), &has)
}

#[test]
fn the_old_host_is_normalised_and_a_server_address_is_kept() {
    let text = |url: &str| normalise(url).unwrap().to_string();
    assert_eq!(
        text("https://acme.visualstudio.com/"),
        "https://dev.azure.com/acme"
    );
    assert_eq!(
        text("https://tfs.acme.example/tfs/DefaultCollection"),
        "https://tfs.acme.example/tfs/DefaultCollection"
    );
    assert!(normalise("contoso").is_err());
}
