//! A plan in a file. It is saved for its owner only, whole or not at all, and never over anything else; and it is carried
//! out as it was saved, or not at all.

use super::cycle::how;
use super::when::when;
use super::{Context, Failure, Lines, next, note, pager, print_json, typed};
use crate::cli::{ExitCode, ShowArgs};
use crate::config::{Config, SecretSource};
use crate::engine::Engine;
use crate::engine::apply::Consent;
use crate::engine::deeds::{Moved, SavedAction, SavedPair, SavedPairs};
use crate::engine::observe::Observed;
use crate::model::{ActionId, ItemId, PairName, Side};
use crate::reconcile::plan::{Hold, PLAN_FORMAT, Plan};
use crate::render::{self, OpenConflict, Show, StillOpen};
use crate::store;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Refuses a file that a plan must not replace: part of the state, the configuration, a token, or anything that is no
/// saved plan. Ask before the plan is made too: a long look for nothing helps nobody.
///
/// # Errors
/// Wrong usage, with the reason.
pub(super) fn refuse(path: &Path, config: &Config) -> Result<(), Failure> {
    let refused = |what: &str| {
        let message = format!("{} {what}; name another file for the plan", path.display());
        Err(Failure::new(ExitCode::Usage, message))
    };
    if store::is_state(path, &config.state.path) || store::is_same(path, &config.state.stop_file) {
        return refused("is a file of the state");
    }
    if store::is_same(path, &config.path) {
        return refused("is the configuration");
    }
    for source in [&config.ado.pat, &config.clickup.token] {
        if let SecretSource::File(file) = source
            && store::is_same(path, &config.base_dir().join(file))
        {
            return refused("holds a token");
        }
    }
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return refused(&format!("cannot be looked at ({error})")),
        Ok(found) => found,
    };
    if found.is_symlink() {
        return refused("is a symbolic link, which is not followed");
    }
    if !found.is_file() {
        return refused("is no regular file");
    }
    // An empty one was made to be filled (mktemp).
    if found.len() > 0 && !is_plan(path) {
        return refused("is there and is no saved plan");
    }
    Ok(())
}

/// Whether a file is a plan of ours, of any format.
fn is_plan(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let head: Result<Head, _> = serde_json::from_reader(BufReader::new(file));
    head.is_ok_and(|head| head.version.is_some() && head.planned && head.pairs)
}

/// What tells a saved plan from another file. Everything else is passed over, for it may be larger than the memory.
#[derive(Default)]
struct Head {
    version: Option<u64>,
    /// Whether it says when it was planned.
    planned: bool,
    /// Whether it has a list of pairs.
    pairs: bool,
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Head, D::Error> {
        deserializer.deserialize_map(HeadVisitor)
    }
}

struct HeadVisitor;

impl<'de> Visitor<'de> for HeadVisitor {
    type Value = Head;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format_version" => head.version = map.next_value::<serde_json::Value>()?.as_u64(),
                "pairs" => {
                    // Nothing of it is kept, not even for a moment.
                    map.next_value::<Vec<IgnoredAny>>()?;
                    head.pairs = true;
                }
                key => {
                    map.next_value::<IgnoredAny>()?;
                    head.planned |= key == "planned_at";
                }
            }
        }
        Ok(head)
    }
}

/// Saves a plan (mode 0600), piece by piece: the first plan of a large board is as large as the board.
///
/// # Errors
/// As [`refuse`], and when the file cannot be written; then nothing of it is left.
pub(super) fn save(
    path: &Path,
    plan: &Plan,
    still_open: &BTreeMap<PairName, StillOpen>,
    config: &Config,
) -> Result<(), Failure> {
    refuse(path, config)?;
    let saved = SavedPlan {
        plan,
        still_open: Beside::of(still_open),
    };
    let fill = |file: &mut File| {
        let mut file = BufWriter::new(file);
        let mut lines = Lines::new(|text: &str| file.write_all(text.as_bytes()));
        serde_json::to_writer_pretty(&mut lines, &saved)?;
        lines.write_all(b"\n")?;
        lines.flush()?;
        file.flush()
    };
    store::write_private_by(path, None, fill).map_err(|error| {
        Failure::new(
            ExitCode::Unexpected,
            format!("cannot write {}: {error}", path.display()),
        )
    })
}

/// A plan with what is open beside it, as it is saved. `apply` passes over what is open: it is there to be shown.
#[derive(Serialize)]
struct SavedPlan<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    still_open: BTreeMap<&'a PairName, Beside<'a>>,
}

/// What is open in one pair, as it is saved.
#[derive(Serialize)]
struct Beside<'a> {
    conflicts: &'a [OpenConflict],
    holds: &'a [Hold],
}

impl Beside<'_> {
    fn of(still_open: &BTreeMap<PairName, StillOpen>) -> BTreeMap<&PairName, Beside<'_>> {
        let pairs = still_open.iter();
        let pairs =
            pairs.map(|(pair, StillOpen { conflicts, holds })| (pair, Beside { conflicts, holds }));
        pairs.collect()
    }
}

/// What was open beside a saved plan. An earlier build saved nothing of it.
#[derive(Default, Deserialize)]
struct WasOpen {
    #[serde(default)]
    still_open: BTreeMap<PairName, StillOpen>,
}

/// The text of a saved plan.
fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::InvalidData => "not a saved plan: it is no text".to_owned(),
            ErrorKind::NotFound => {
                "there is no such file; `boardsync plan --out FILE` saves a plan".to_owned()
            }
            _ => format!("a saved plan could not be read from it: {error}"),
        };
        Failure::new(ExitCode::Usage, format!("{}: {what}", path.display()))
    })
}

/// Reads a saved plan.
///
/// # Errors
/// Wrong usage: it cannot be read, or is none.
pub(super) fn load(path: &Path) -> Result<Saved, Failure> {
    let usage = |what: String| Failure::new(ExitCode::Usage, format!("{}: {what}", path.display()));
    let text = text(path)?;
    let pairs = read::<SavedPairs>(&text).map_err(usage)?.pairs;
    // To the scope of a cycle no pair means every pair.
    if pairs.is_empty() {
        return Err(usage(
            "it holds no pair, so there is nothing to carry out; make it again with `boardsync plan --out`".to_owned(),
        ));
    }
    Ok(Saved {
        path: path.to_owned(),
        pairs,
    })
}

/// Shows a saved plan. Neither service is asked, so it may have come true, or be out of date.
///
/// # Errors
/// As [`load`].
pub(super) fn show(context: &Context, path: &Path, args: &ShowArgs) -> Result<ExitCode, Failure> {
    let usage = |what: String| Failure::new(ExitCode::Usage, format!("{}: {what}", path.display()));
    let text = text(path)?;
    let plan: Plan = read(&text).map_err(usage)?;
    let still_open = &read::<WasOpen>(&text).map_err(usage)?.still_open;
    if context.global.json {
        print_json(&render::PlanJson {
            plan: &plan,
            still_open,
        });
        return Ok(ExitCode::Done);
    }
    let (program, file) = (context.program(), typed(&path.to_string_lossy()));
    let show = Show {
        still_open,
        file: Some(&file),
        ..how(args, &program)
    };
    let made = format!("planned at {}\n\n", when(plan.planned_at));
    let text = made + &render::plan(&plan, &show, &context.style);
    pager::page(context, &args.page, &text);
    Ok(ExitCode::Done)
}

/// Reads the text of a saved plan, in full or as far as a type wants it.
///
/// # Errors
/// A phrase: it is none, or one of another format.
pub fn read<P: DeserializeOwned>(text: &str) -> Result<P, String> {
    let none = |error: &dyn std::fmt::Display| format!("not a saved plan: {error}");
    let head: Head = serde_json::from_str(text).map_err(|error| none(&error))?;
    match head.version {
        Some(version) if version == u64::from(PLAN_FORMAT) => {}
        Some(version) => {
            return Err(format!(
                "saved in format {version}, this program reads {PLAN_FORMAT}; make it again with `boardsync plan --out`"
            ));
        }
        None => return Err(none(&"format_version is missing")),
    }
    let mut text = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut text).map_err(|error| none(&error))
}

/// Actions that a saved plan lacks and that are named one by one.
const NAMED_BESIDE: usize = 5;

/// A saved plan and its file.
pub(super) struct Saved {
    path: PathBuf,
    pairs: Vec<SavedPair>,
}

impl Saved {
    /// Names of the pairs that it is about.
    pub(super) fn pairs(&self) -> Vec<String> {
        self.pairs.iter().map(|pair| pair.pair.0.clone()).collect()
    }

    /// Reduces the present plan to what the saved one holds, and names what changed since. Returns those actions and
    /// pairs.
    ///
    /// # Errors
    /// Wrong usage where an action was changed in the file.
    pub(super) fn keep(
        &self,
        context: &Context,
        engine: &Engine,
        observed: &mut Observed,
        consent: &mut Consent,
    ) -> Result<Vec<Refused>, Failure> {
        let kept = engine.keep_saved(&self.pairs, observed, consent)?;
        if let Some(action) = kept.edited.first() {
            return Err(self.edited(action));
        }
        let quiet = context.global.quiet;
        for moved in kept.moved.iter().filter(|_| !quiet) {
            note(&format!("refused: {}\n", told(moved)));
        }
        if !quiet && !kept.moved.is_empty() && kept.reconfigured.is_empty() {
            let out = format!("plan --out {}", typed(&self.path.to_string_lossy()));
            note(&format!(
                "nothing that is refused is written; `{}` saves a plan of what stands now\n",
                next(context, &out)
            ));
        }
        for pair in kept.reconfigured.iter().filter(|_| !quiet) {
            note(&format!(
                "refused: the configuration of the pair {pair} changed since the plan was made, so nothing of it is carried \
                 out; make a new one with `boardsync plan --out`\n"
            ));
        }
        if kept.done > 0 && !quiet {
            note(&format!(
                "{} done before\n",
                render::plural(
                    kept.done,
                    "action of the saved plan was",
                    "actions of the saved plan were"
                )
            ));
        }
        if !quiet {
            for (pair, actions) in &kept.beside {
                note(&self.beside(pair, actions));
            }
        }
        let moved = kept.moved.into_iter().map(Refused::moved);
        let pairs = kept.reconfigured.into_iter().map(|pair| Refused {
            pair: Some(pair),
            action: None,
            items: Vec::new(),
            title: None,
            reason: "the configuration of the pair changed since the plan was made".to_owned(),
        });
        Ok(moved.chain(pairs).collect())
    }

    /// Says what the next cycle does beyond the file: a yes is to the pair, and small plans flow after it.
    fn beside(&self, pair: &PairName, actions: &[SavedAction]) -> String {
        let mut names: Vec<String> = actions.iter().take(NAMED_BESIDE).map(named).collect();
        if actions.len() > names.len() {
            names.push(format!(
                "{} more",
                render::amount(actions.len() - names.len())
            ));
        }
        format!(
            "not in {}: {} of pair \"{pair}\", cut out of the file or new since it was saved ({}). The next cycle plans this \
             again and carries it out without a question, unless a guard stops it; to keep an item out, narrow the scope of the pair (ado.where, create) \
             before that\n",
            self.path.display(),
            render::plural(actions.len(), "action", "actions"),
            names.join(", ")
        )
    }

    fn edited(&self, action: &SavedAction) -> Failure {
        let path = self.path.display();
        Failure::new(
            ExitCode::Usage,
            format!(
                "{path}: what it says of {} was changed in the file. Nothing was written: a saved plan is carried out as it \
                 was made. Change the items themselves and make a new one with `boardsync plan --out {path}`",
                named(action)
            ),
        )
    }
}

/// Something that a person said yes to and that is not carried out, for JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Refused {
    /// The pair, where nothing of it is carried out; `None`: it is about one action.
    pair: Option<PairName>,
    /// Id of the action.
    action: Option<ActionId>,
    /// The items that it is about.
    items: Vec<ItemId>,
    /// The title of the item.
    title: Option<String>,
    /// Why, as a phrase.
    reason: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(pair) = &self.pair {
            return write!(f, "all of pair \"{pair}\": {}", self.reason);
        }
        let ids: Vec<&str> = self.items.iter().map(ItemId::as_str).collect();
        let title = self.title.as_deref().unwrap_or_default();
        write!(f, "{} \"{title}\" {}", ids.join(" = "), self.reason)
    }
}

impl Refused {
    /// An action that is no longer planned as it was shown or saved.
    pub(super) fn moved(moved: Moved) -> Refused {
        let Moved { action, now } = moved;
        let items = Side::BOTH.into_iter();
        let items = items.filter_map(|side| action.items.get(side).clone());
        Refused {
            pair: None,
            action: Some(action.id),
            items: items.collect(),
            title: Some(action.title),
            reason: now.to_string(),
        }
    }
}

/// Says of an action that is not carried out what is planned in its place.
pub(super) fn told(moved: &Moved) -> String {
    format!(
        "{} {}",
        named(&moved.action),
        render::escape(&moved.now.to_string())
    )
}

/// How an action is called in a message.
pub(super) fn named(action: &SavedAction) -> String {
    let items = action.items.iter();
    let items = items.filter_map(|(side, id)| Some(format!("{side} {}", id.as_ref()?)));
    let items: Vec<String> = items.collect();
    format!(
        "{} \"{}\"",
        render::escape(&items.join(" = ")),
        render::escape(&action.title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"format_version": 2, "planned_at": 0, "pairs": []}"#;

    #[test]
    fn a_plan_of_this_format_is_read() {
        assert_eq!(read::<Plan>(PLAN).map(|plan| plan.pairs), Ok(Vec::new()));
    }

    #[test]
    fn a_plan_of_another_format_is_refused_with_the_command_that_makes_it_again() {
        for version in [1, 3] {
            let other = PLAN.replace(
                "\"format_version\": 2",
                &format!("\"format_version\": {version}"),
            );
            assert_eq!(
                read::<Plan>(&other).unwrap_err(),
                format!(
                    "saved in format {version}, this program reads 2; make it again with `boardsync plan --out`"
                )
            );
        }
    }
}
