//! How clients find their way: resource locations, resource areas, who am I, people search.

use super::http::{Answer, Call};
use super::reply::Reply;
use super::{AdoSandbox, guid, people};
use serde_json::{Value, json};

/// Id, area, resource, route template, resource version, highest API version.
type Location = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u32,
    &'static str,
);

const WIT: &str = "{project}/_apis/{area}/{resource}/{id}";
/// Ids as in Microsoft's own client (PyPI `azure-devops` 7.1.0b4).
const LOCATIONS: &[Location] = &[
    (
        "e81700f7-3be2-46de-8624-2eb35882fcaa",
        "Location",
        "ResourceAreas",
        "_apis/{resource}/{areaId}",
        1,
        "7.2",
    ),
    (
        "00d9565f-ed9c-4a06-9a50-00e7896ccab4",
        "Location",
        "ConnectionData",
        "_apis/{resource}",
        1,
        "7.2",
    ),
    (
        "28010c54-d0c0-4c89-a5b0-1c9e188b9fb7",
        "IMS",
        "Identities",
        "_apis/{resource}/{identityId}",
        1,
        "7.2",
    ),
    (
        "603fe2ac-9723-48b9-88ad-09305aa6c6e1",
        "core",
        "projects",
        "_apis/{resource}/{*projectId}",
        4,
        "7.2",
    ),
    (
        "e07b5fa4-1499-494d-a496-64b860fd64ff",
        "wit",
        "attachments",
        WIT,
        4,
        "7.2",
    ),
    (
        "a70579d1-f53a-48ee-a5be-7be8659023b9",
        "wit",
        "classificationNodes",
        "{project}/_apis/{area}/{resource}",
        2,
        "7.2",
    ),
    (
        "5a172953-1b41-49d3-840a-33f79c3ce89f",
        "wit",
        "classificationNodes",
        "{project}/_apis/{area}/{resource}/{structureGroup}/{*path}",
        2,
        "7.2",
    ),
    (
        "608aac0a-32e1-4493-a863-b9cf4566d257",
        "wit",
        "comments",
        "{project}/_apis/{area}/workItems/{workItemId}/{resource}/{commentId}",
        4,
        "7.2",
    ),
    (
        "b51fd764-e5c2-4b9b-aaf7-3395cf4bdd94",
        "wit",
        "fields",
        "{project}/_apis/{area}/{resource}/{fieldNameOrRefName}",
        3,
        "7.2",
    ),
    (
        "b70d8d39-926c-465e-b927-b1bf0e5ca0e0",
        "wit",
        "recyclebin",
        WIT,
        2,
        "7.2",
    ),
    (
        "a00c85a5-80fa-4565-99c3-bcd2181434bb",
        "wit",
        "revisions",
        "{project}/_apis/{area}/workItems/{id}/{resource}/{revisionNumber}",
        3,
        "7.2",
    ),
    (
        "6570bf97-d02c-4a91-8d93-3abe9895b1a9",
        "wit",
        "updates",
        "{project}/_apis/{area}/workItems/{id}/{resource}/{updateNumber}",
        4,
        "7.2",
    ),
    (
        "bc15bc60-e7a8-43cb-ab01-2106be3983a1",
        "wit",
        "tags",
        "{project}/_apis/{area}/{resource}/{tagIdOrName}",
        1,
        "7.2",
    ),
    (
        "1a9c53f7-f243-4447-b110-35ef023636e4",
        "wit",
        "wiql",
        "{project}/{team}/_apis/{area}/{resource}",
        2,
        "7.2",
    ),
    (
        "b5b5b6d0-0308-40a1-b3f4-b9bb3c66878f",
        "wit",
        "workItemLinks",
        "{project}/_apis/{area}/reporting/{resource}",
        3,
        "7.2",
    ),
    (
        "f828fe59-dd87-495d-a17c-7a8d6211ca6c",
        "wit",
        "workItemRevisions",
        "{project}/_apis/{area}/reporting/{resource}",
        2,
        "7.2",
    ),
    (
        "f5d33bc9-5b49-4a3c-a9bd-f3cd46dd2165",
        "wit",
        "workItemRelationTypes",
        "_apis/{area}/{resource}/{relation}",
        2,
        "7.2",
    ),
    (
        "62d3d110-0047-428c-ad3c-4fe872c91c74",
        "wit",
        "workItems",
        "{project}/_apis/{area}/{resource}/${type}",
        3,
        "7.2",
    ),
    (
        "72c7ddf8-2cdc-4f60-90cd-ab71c14a399b",
        "wit",
        "workItems",
        WIT,
        3,
        "7.2",
    ),
    (
        "908509b6-4248-4475-a1cd-829139ba419f",
        "wit",
        "workItemsBatch",
        "{project}/_apis/{area}/{resource}",
        1,
        "7.2",
    ),
    (
        "8bc57545-27e5-420d-b709-f6e3ebcc1fc1",
        "wit",
        "workItemsDelete",
        "{project}/_apis/{area}/{resource}",
        1,
        "7.2",
    ),
    (
        "7c8d7a76-4a09-43e8-b5df-bd792f4ac6aa",
        "wit",
        "workItemTypes",
        "{project}/_apis/{area}/{resource}/{type}",
        2,
        "7.2",
    ),
    (
        "bd293ce5-3d25-4192-8e67-e8092e879efb",
        "wit",
        "workItemTypesField",
        "{project}/_apis/{area}/workItemTypes/{type}/fields/{field}",
        3,
        "7.2",
    ),
    (
        "7c9d7a76-4a09-43e8-b5df-bd792f4ac6aa",
        "wit",
        "workItemTypeStates",
        "{project}/_apis/{area}/workItemTypes/{type}/states",
        1,
        "7.2",
    ),
];

/// Areas whose services answer below this organisation.
const AREAS: &[(&str, &str)] = &[
    ("5264459e-e5e0-4bd8-b118-0985e68a4ec5", "wit"),
    ("79134c72-4a58-4b42-976c-04e7115f32bf", "core"),
    ("8a3d49b8-91f0-46ef-b33d-dda338c25db3", "ims"),
];

/// `OPTIONS _apis`.
pub fn locations() -> Answer {
    let rows: Vec<Value> = LOCATIONS
        .iter()
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
