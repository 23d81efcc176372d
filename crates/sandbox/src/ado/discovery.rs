//! How clients find their way: resource locations, resource areas, who am I, people search.

use super::http::{Answer, Call};
use super::locations::LOCATIONS;
use super::reply::Reply;
use super::{AdoSandbox, guid, people};
use serde_json::{Value, json};

/// Areas whose services answer below this organisation.
const AREAS: &[(&str, &str)] = &[
    ("5264459e-e5e0-4bd8-b118-0985e68a4ec5", "wit"),
    ("79134c72-4a58-4b42-976c-04e7115f32bf", "core"),
    ("8a3d49b8-91f0-46ef-b33d-dda338c25db3", "ims"),
];

/// `OPTIONS _apis` lists every resource; `OPTIONS _apis/{area}` those of one area, which is what Microsoft's Node client
/// (npm azure-devops-node-api) reads first.
pub fn locations(only: Option<&str>) -> Answer {
    let wanted = |area: &str| only.is_none_or(|only| area.eq_ignore_ascii_case(only));
    let rows: Vec<Value> = LOCATIONS
        .iter()
        .filter(|(_, area, ..)| wanted(area))
        .map(|(id, area, resource, template, version, max)| {
            json!({
                "id": id,
                "area": area,
                "resourceName": resource,
                "routeTemplate": template,
                "resourceVersion": version,
                "minVersion": "1.0",
                "maxVersion": max,
                "releasedVersion": "7.1",
            })
        })
        .collect();
    Ok(Reply::list(&rows))
}

/// `GET _apis/ResourceAreas`.
pub fn areas(call: &Call) -> Answer {
    let row = |(id, name): &(&str, &str)| json!({"id": id, "name": name, "locationUrl": format!("{}/", call.base)});
    let rows: Vec<Value> = AREAS.iter().map(row).collect();
    Ok(Reply::list(&rows))
}

/// `GET _apis/connectionData`.
pub fn connection(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let state = sandbox.lock();
    let me = state.person(&call.by).map_or(Value::Null, |p| p.identity());
    Ok(Reply::json(&json!({
        "authenticatedUser": me,
        "authorizedUser": me,
        "instanceId": guid("instance", &state.config.org),
        "deploymentId": guid("deployment", "sandbox"),
        "deploymentType": "hosted",
        "locationServiceData": {
            "serviceOwner": guid("owner", "sandbox"),
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 1,
            "lastChangeId64": 1,
        },
    })))
}

/// `GET _apis/identities?searchFilter=&filterValue=` or `?identityIds=`. Served on the same base as everything else.
pub fn identities(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let state = sandbox.lock();
    let wanted = call.param("filtervalue").to_lowercase();
    let filter = call.param("searchfilter").to_lowercase();
    let ids = call.list("identityids");
    let matches = |p: &&people::Person| {
        if !ids.is_empty() {
            return ids.iter().any(|id| id.eq_ignore_ascii_case(&p.id));
        }
        let mail = p.unique.to_lowercase() == wanted;
        let name = p.display.to_lowercase() == wanted;
        match filter.as_str() {
            "mailaddress" | "accountname" | "directoryalias" => mail,
            "displayname" => name,
            "general" => {
                mail || name || !wanted.is_empty() && p.display.to_lowercase().starts_with(&wanted)
            }
            _ => false,
        }
    };
    let rows: Vec<Value> = state
        .config
        .people
        .iter()
        .filter(matches)
        .map(|p| p.identity())
        .collect();
    Ok(Reply::list(&rows))
}
