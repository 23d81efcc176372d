//! People at work on both boards, and the judge, who knows only what they did and what both services hold now.
//!
//! Every title starts with a word that no other item has and that nobody edits (`item7`): two items of one side with the
//! same word are twins. Between two rests a field of an item is edited on one side, or on both, which is a conflict.

use crate::kills::program::Program;
use boardsync::sandbox::world::{LIST, PROJECT, World};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The fields that people edit here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    Title,
    Description,
    Priority,
}

const FIELDS: [Field; 3] = [Field::Title, Field::Description, Field::Priority];

/// Last edit of a field on each side since the last rest.
#[derive(Clone, Debug, Default)]
struct Edits {
    last: BTreeMap<&'static str, Edit>,
}

#[derive(Clone, Debug)]
struct Edit {
    value: String,
    item: String,
    /// Time of the services.
    at: i64,
}

/// ClickUp has no compare-and-swap: an edit between the program's read and its write, which come at most this far apart,
/// can be overwritten. The contract names that window; here such an edit is counted and not called lost.
const WINDOW_MS: i64 = 2_500;

/// What people did since the board was last at rest.
pub struct Board {
    /// One edit in so many makes a new item.
    create_one_in: u8,
    /// Words of all items ever made.
    words: Vec<String>,
    edits: BTreeMap<(String, Field), Edits>,
    /// Edits of a field ever.
    counts: BTreeMap<(String, Field), u8>,
    turn: u64,
}

/// Fields that change more often within an hour, to and fro between both sides, are frozen on purpose.
const EDITS_OF_A_FIELD: u8 = 3;

/// The items of one side by their word: id and the three values.
type Side = BTreeMap<String, Vec<(String, BTreeMap<Field, String>)>>;

impl Board {
    pub fn new(create_one_in: u8) -> Board {
        Board {
            create_one_in,
            words: Vec::new(),
            edits: BTreeMap::new(),
            counts: BTreeMap::new(),
            turn: 0,
        }
    }

    pub fn edit(&mut self, world: &World, rng: &mut fastrand::Rng) {
        self.turn += 1;
        if self.words.is_empty() || rng.u8(0..self.create_one_in) == 0 {
            return self.create(world, rng);
        }
        let word = self.words[rng.usize(..self.words.len())].clone();
        let field = FIELDS[rng.usize(..FIELDS.len())];
        let count = self.counts.entry((word.clone(), field)).or_default();
        if *count == EDITS_OF_A_FIELD {
            return self.create(world, rng);
        }
        *count += 1;
        let value = match field {
            Field::Title => format!("{word} title {}", self.turn),
            Field::Description => format!("Text {} of {word}.", self.turn),
            Field::Priority => rng.u8(1..5).to_string(),
        };
        let edits = self.edits.entry((word.clone(), field)).or_default();
        let on_ado = rng.bool();
        if on_ado {
            let Some((id, held)) = one(&ado(world), &word) else {
                return;
            };
            if held[&field] == value {
                return;
            }
            let (name, value_json) = match field {
                Field::Title => ("System.Title", json!(value)),
                Field::Description => ("System.Description", json!(format!("<p>{value}</p>"))),
                Field::Priority => (
                    "Microsoft.VSTS.Common.Priority",
                    json!(value.parse::<u8>().unwrap()),
                ),
            };
            world
                .ado
                .edit(
                    id.parse().unwrap(),
                    &[(name, value_json)],
                    "ada@contoso.example",
                )
                .unwrap();
            let (item, at) = (id, world.clock.now().0);
            edits.last.insert("ADO", Edit { value, item, at });
        } else {
            let Some((id, held)) = one(&clickup(world), &word) else {
                return;
            };
            if held[&field] == value {
                return;
            }
            let body = match field {
                Field::Title => json!({ "name": value }),
                Field::Description => {
                    // A person edits the text above the line that links to the work item, and leaves that line.
                    let whole = world.clickup.task(&id).unwrap()["markdown_description"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned();
                    let rest = match whole.find("Azure DevOps: [") {
                        Some(at) => format!("{value}\n\n{}", &whole[at..]),
                        None => value.clone(),
                    };
                    json!({ "markdown_content": rest })
                }
                Field::Priority => json!({ "priority": value.parse::<u8>().unwrap() }),
            };
            world.clickup.edit(&id, &body).unwrap();
            let (item, at) = (id, world.clock.now().0);
            edits.last.insert("ClickUp", Edit { value, item, at });
        }
    }

    fn create(&mut self, world: &World, rng: &mut fastrand::Rng) {
        let word = format!("item{}", self.words.len() + 1);
        let title = format!("{word} title {}", self.turn);
        if rng.bool() {
            let fields = [
                ("System.Title", json!(title)),
                (
                    "System.Description",
                    json!(format!("<p>Made as {word}.</p>")),
                ),
            ];
            world.ado.create_item(PROJECT, "Task", &fields).unwrap();
        } else {
            let body = json!({ "name": title, "markdown_content": format!("Made as {word}."), "priority": 3 });
            world.clickup.create_task(LIST, &body).unwrap();
        }
        self.words.push(word);
    }

    /// Fails on a twin, an orphan, a pair that is not equal, or an edit that is neither on both boards nor kept as the
    /// losing side of a conflict. Returns how many edits fell into ClickUp's window; none can while no run is under way.
    pub fn judge(&mut self, program: &Program, seed: u64) -> usize {
        let mut in_window = 0;
        let (ado, clickup) = (ado(&program.world), clickup(&program.world));
        let fail = |what: String| -> ! {
            panic!("seed {seed}: {what}\nADO {ado:#?}\nClickUp {clickup:#?}")
        };
        for (side, items) in [("ADO", &ado), ("ClickUp", &clickup)] {
            for (word, same) in items {
                if same.len() > 1 {
                    fail(format!("twins of {word} on {side}"));
                }
            }
            for word in &self.words {
                if !items.contains_key(word) {
                    fail(format!("{word} is missing on {side}"));
                }
            }
        }
        let kept = kept_values(program);
        let writes = program.world.ledger.writes();
        let carried: String = writes.iter().map(|write| write.body.as_str()).collect();
        for word in &self.words {
            let (_, a) = &ado[word][0];
            let (_, c) = &clickup[word][0];
            for field in FIELDS {
                if a[&field] != c[&field] {
                    fail(format!("{word} {field:?} differs"));
                }
                let Some(edits) = self.edits.get(&(word.clone(), field)) else {
                    continue;
                };
                for (side, edit) in &edits.last {
                    let value = &edit.value;
                    if *value == a[&field] {
                        continue;
                    }
                    // It gave way to the other side's edit, which is in force: then it is kept as a conflict, or it was
                    // carried over before that other edit was made.
                    let gave_way = edits.last.values().any(|other| other.value == a[&field]);
                    if gave_way && (kept.contains(value) || carried.contains(value.as_str())) {
                        continue;
                    }
                    let overwritten = writes.iter().any(|write| {
                        write.method == "PUT"
                            && write.path.contains(&edit.item)
                            && (0..WINDOW_MS).contains(&(write.at.0 - edit.at))
                    });
                    if *side == "ClickUp" && overwritten {
                        in_window += 1;
                        continue;
                    }
                    let entries = program.world.ledger.entries();
                    let about = entries
                        .iter()
                        .filter(|entry| entry.path.contains(&edit.item))
                        .map(|entry| {
                            let ms = entry.at.0 - edit.at;
                            format!("{ms} {} {} {}", entry.method, entry.path, entry.status)
                        });
                    let about: Vec<String> = about.collect();
                    fail(format!(
                        "{word} {field:?}: the edit {value:?} on {side} is lost; requests about it, in ms after it:\n{}",
                        about.join("\n")
                    ));
                }
            }
        }
        self.edits.clear();
        program.world.ledger.clear();
        in_window
    }
}

/// Every value that a conflict record keeps, as plain text.
fn kept_values(program: &Program) -> BTreeSet<String> {
    let all = program.json(&["conflicts", "list", "--all", "--json"]);
    let rows = all["conflicts"].as_array().unwrap();
    let mut kept = BTreeSet::new();
    for row in rows {
        for key in ["ado_value", "clickup_value"] {
            let text = match &row[key] {
                Value::String(text) => text.trim().to_owned(),
                other => other.to_string(),
            };
            kept.insert(text);
        }
    }
    kept
}

fn one(items: &Side, word: &str) -> Option<(String, BTreeMap<Field, String>)> {
    items.get(word).and_then(|same| same.first()).cloned()
}

fn ado(world: &World) -> Side {
    let mut items = Side::new();
    for id in world.ado.all_ids() {
        let fields = world.ado.item(id).unwrap().fields;
        let title = fields["System.Title"].as_str().unwrap().to_owned();
        let text = fields
            .get("System.Description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut plain = String::new();
        let mut inside = false;
        for c in text.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => plain.push(c),
                _ => {}
            }
        }
        let values = BTreeMap::from([
            (Field::Title, title.clone()),
            (Field::Description, plain.trim().to_owned()),
            (
                Field::Priority,
                fields["Microsoft.VSTS.Common.Priority"].to_string(),
            ),
        ]);
        items
            .entry(word_of(&title))
            .or_default()
            .push((id.to_string(), values));
    }
    items
}

fn clickup(world: &World) -> Side {
    let mut items = Side::new();
    for id in world.clickup.all_ids() {
        let task = world.clickup.task(&id).unwrap();
        let title = task["name"].as_str().unwrap().to_owned();
        let text = task["markdown_description"].as_str().unwrap_or_default();
        let text = text.split("Azure DevOps: [").next().unwrap_or_default();
        let text = text.trim().trim_end_matches(['-', '*', '_']).trim();
        let priority = task["priority"]["id"].as_str().unwrap_or("none").to_owned();
        let values = BTreeMap::from([
            (Field::Title, title.clone()),
            (Field::Description, text.to_owned()),
            (Field::Priority, priority),
        ]);
        items.entry(word_of(&title)).or_default().push((id, values));
    }
    items
}

fn word_of(title: &str) -> String {
    title.split(' ').next().unwrap_or_default().to_owned()
}
