//! People of the fake organisation.

use super::guid;
use serde_json::{Value, json};

/// One member of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Identity id (GUID), the same in work items and in `connectionData`.
    pub id: String,
    /// Display name; need not be unique.
    pub display: String,
    /// Sign-in name, usually the e-mail address.
    pub unique: String,
    /// Graph descriptor.
    pub descriptor: String,
}

impl Person {
    /// A person whose ids follow from the sign-in name.
    pub fn new(display: &str, unique: &str) -> Person {
        Person {
            id: guid("person", unique),
            display: display.to_owned(),
            unique: unique.to_owned(),
            descriptor: format!("aad.{}", guid("descriptor", unique).replace('-', "")),
        }
    }

    /// The identity object as it stands in a work item. `base` is the address of the organisation.
    pub fn reference(&self, base: &str) -> Value {
        let avatar = format!(
            "{base}/_apis/GraphProfile/MemberAvatars/{}",
            self.descriptor
        );
        json!({
            "displayName": self.display,
            "url": format!("{base}/_apis/Identities/{}", self.id),
            "_links": {"avatar": {"href": avatar}},
            "id": self.id,
            "uniqueName": self.unique,
            "imageUrl": avatar,
            "descriptor": self.descriptor,
        })
    }

    /// The identity as the identities API and `connectionData` show it.
    pub fn identity(&self) -> Value {
        json!({
            "id": self.id,
            "descriptor": format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;{}\\{}", guid("tenant", "sandbox"), self.unique),
            "subjectDescriptor": self.descriptor,
            "providerDisplayName": self.display,
            "isActive": true,
            "members": [],
            "memberOf": [],
            "memberIds": [],
            "properties": {
                "SchemaClassName": {"$type": "System.String", "$value": "User"},
                "Account": {"$type": "System.String", "$value": self.unique},
                "Mail": {"$type": "System.String", "$value": self.unique},
            },
            "resourceVersion": 2,
            "metaTypeId": 0,
        })
    }

    /// The combined form that the reporting feed and the recycle bin use.
    pub fn combined(&self) -> String {
        format!("{} <{}>", self.display, self.unique)
    }
}

/// Finds the person whom a written value means: sign-in name, id, descriptor, `Name <mail>`, or an unambiguous
/// display name; as text or as an object.
pub fn resolve<'a>(people: &'a [Person], written: &Value) -> Option<&'a Person> {
    let text = match written {
        Value::String(text) => text.as_str(),
        Value::Object(_) => ["descriptor", "uniqueName", "id", "displayName"]
            .iter()
            .find_map(|key| written[key].as_str())?,
        _ => return None,
    };
    let text = match text.rsplit_once('<') {
        Some((_, inner)) => inner.trim_end_matches('>').trim(),
        None => text.trim(),
    };
    let exact = people.iter().find(|p| {
        [&p.unique, &p.id, &p.descriptor]
            .iter()
            .any(|key| key.eq_ignore_ascii_case(text))
    });
    exact.or_else(|| {
        let mut named = people
            .iter()
            .filter(|p| p.display.eq_ignore_ascii_case(text));
        named.next().filter(|_| named.next().is_none())
    })
}
