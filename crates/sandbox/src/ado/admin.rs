//! What an administrator does: paths, names, fields, rules, members. No HTTP, no ledger entry.

use super::custom_rules::CustomRule;
use super::fields::FieldDef;
use super::state::{Fields, State};
use super::{AdoSandbox, people};
use serde_json::Value;

impl AdoSandbox {
    /// Renames an area (`Web\Checkout`, without the project), with everything below it. The path text of every item
    /// changes, and none gets a revision. Returns whether there was such an area.
    pub fn rename_area(&self, project: &str, old: &str, new: &str) -> bool {
        self.rename_node(project, "System.AreaPath", old, new)
    }

    /// Renames an iteration in the same way.
    pub fn rename_iteration(&self, project: &str, old: &str, new: &str) -> bool {
        self.rename_node(project, "System.IterationPath", old, new)
    }

    fn rename_node(&self, project: &str, field: &str, old: &str, new: &str) -> bool {
        let mut state = self.lock();
        let Some(index) = state.project(project) else {
            return false;
        };
        let Some(found) = state.config.projects.get_mut(index) else {
            return false;
        };
        let root = found.name.clone();
        let nodes = if field == "System.AreaPath" {
            &mut found.areas
        } else {
            &mut found.iterations
        };
        let mut any = false;
        for node in nodes.iter_mut() {
            if let Some(path) = moved(node, old, new) {
                *node = path;
                any = true;
            }
        }
        let (old, new) = (format!("{root}\\{old}"), format!("{root}\\{new}"));
        rewrite(&mut state, index, field, &old, &new);
        any
    }

    /// Renames a tag of a project in all of its items. Whether they get a revision for it is not documented; the dangerous
    /// reading is that none does. Returns whether an item had the tag.
    pub fn rename_tag(&self, project: &str, old: &str, new: &str) -> bool {
        let mut state = self.lock();
        let Some(project) = state.project(project) else {
            return false;
        };
        let same = |tag: &str| tag.trim().to_lowercase() == old.to_lowercase();
        for tag in state.tags.entry(project).or_default() {
            if same(tag) {
                new.clone_into(tag);
            }
        }
        let mut any = false;
        for item in state.items.values_mut().filter(|i| i.project == project) {
            let tags = item.fields.get("System.Tags").and_then(Value::as_str);
            let Some(tags) = tags.map(str::to_owned) else {
                continue;
            };
            if tags.split(';').any(same) {
                let kept = tags.split(';').map(str::trim).filter(|tag| !same(tag));
                let tags: Vec<&str> = kept.chain([new]).collect();
                let tags = tags.join("; ");
                item.fields.insert("System.Tags".to_owned(), tags.into());
                any = true;
            }
        }
        any
    }

    /// Renames a project. Its id stays; the old name is gone, and the paths of its items change without a revision.
    /// Returns whether there was such a project.
    pub fn rename_project(&self, old: &str, new: &str) -> bool {
        let mut state = self.lock();
        let Some(index) = state.project(old) else {
            return false;
        };
        let Some(found) = state.config.projects.get_mut(index) else {
            return false;
        };
        let root = std::mem::replace(&mut found.name, new.to_owned());
        for field in [
            "System.TeamProject",
            "System.AreaPath",
            "System.IterationPath",
        ] {
            rewrite(&mut state, index, field, &root, new);
        }
        true
    }

    /// Gives every type one more field.
    pub fn add_field(&self, field: FieldDef) {
        let mut state = self.lock();
        state.catalogue.push(field.clone());
        state.config.custom_fields.push(field);
    }

    /// Puts one more rule into force.
    pub fn add_rule(&self, rule: CustomRule) {
        self.lock().rules.push(rule);
    }

    /// Takes all custom rules out of force.
    pub fn clear_rules(&self) {
        self.lock().rules.clear();
    }

    /// Removes a member (any form that an identity can be written in): old values keep the name, no write may use it.
    /// Returns whether there was one.
    pub fn leave(&self, person: &str) -> bool {
        let mut state = self.lock();
        let found = people::resolve(&state.config.people, &person.into()).map(|p| p.id.clone());
        found.is_some_and(|id| state.left.insert(id))
    }

    /// Gives a member another sign-in name; identity and items stay, and no item gets a revision (azure-docs issue 92501).
    /// Returns whether there was one.
    pub fn rename_person(&self, person: &str, unique: &str) -> bool {
        let mut state = self.lock();
        let found = people::resolve(&state.config.people, &person.into()).map(|p| p.id.clone());
        let mut all = state.config.people.iter_mut();
        match all.find(|p| Some(&p.id) == found.as_ref()) {
            Some(person) => {
                unique.clone_into(&mut person.unique);
                true
            }
            None => false,
        }
    }
}

/// The path of a node after its own or an ancestor's renaming; `None` when it is neither.
fn moved(path: &str, old: &str, new: &str) -> Option<String> {
    let (head, tail) = path.split_at_checked(old.len())?;
    let below = tail.is_empty() || tail.starts_with('\\');
    (below && head.to_lowercase() == old.to_lowercase()).then(|| format!("{new}{tail}"))
}

/// Changes a path in all items of a project, deleted ones too, and in all their revisions.
fn rewrite(state: &mut State, project: usize, field: &str, old: &str, new: &str) {
    let change = |fields: &mut Fields| {
        let path = fields.get(field).and_then(Value::as_str);
        if let Some(path) = path.and_then(|path| moved(path, old, new)) {
            fields.insert(field.to_owned(), path.into());
        }
    };
    for item in state.items.values_mut().filter(|i| i.project == project) {
        change(&mut item.fields);
        for revision in &mut item.revisions {
            change(&mut revision.fields);
        }
    }
}
