//! Reader and writer against a small scripted server: what is asked, how often, and what is made of the answers.

mod gone;
mod reading;
mod refused;
mod retype;
mod server;
mod tags;
mod writing;

use super::*;

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
