//! What was done, run by run, as the journal tells it: what was written, not what was meant to be.

use super::diff::{self, Room};
use super::json::{rfc3339, rfc3339_if_any};
use super::measure::{Label, cut, width, wrap};
use super::paint::{Ink, Style, escape, plural};
use crate::capabilities;
use crate::model::{
    ActionId, FieldValue, ItemId, LinkId, PairName, Side, Subject, Timestamp, subject,
};
use crate::reason::{Cause, JournalKind, Outcome, RunEnd};
use serde::{Serialize, Serializer};

/// Column in which values start, after the longest built-in name.
const LABEL: usize = 13;
/// Deeds of one run that are shown before the rest is only counted.
const MAX_LISTED: usize = 20;
/// What has to come before an undo of a run that deleted a task: ClickUp's API has no request for it.
const RESTORE_ONE: &str = "it deleted a task, which no program can restore: open Trash in ClickUp and restore it there; \
                           the undo then links it again";
/// The same of several.
const RESTORE_SOME: &str = "it deleted tasks, which no program can restore: open Trash in ClickUp and restore them there; \
                            the undo then links them again";

/// What has to come before an undo of a cycle that only ended links: it does that for items that somebody deleted.
const RELINK: &str = "it ended links because items were deleted; nothing of that can be taken back before somebody has restored \
                      them. Then this links them again:";

/// One run, with what it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunView {
    /// Its id, which `undo` and `log` take.
    pub run: String,
    /// When it began, or recorded its first deed.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// When it ended; `None`: it was killed, or only its deeds are known.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub ended_at: Option<Timestamp>,
    /// What it was for; `None`: it was killed before that was stored.
    #[serde(serialize_with = "in_words")]
    pub cause: Option<Cause>,
    /// How it ended; `None`: it did not.
    #[serde(serialize_with = "end_in_words")]
    pub outcome: Option<RunEnd>,
    /// The error that ended it, or a remark; `None`: nothing to say.
    pub detail: Option<String>,
    /// What it did, oldest first; where one item, link, pair or action was asked for, only what it did to that.
    pub deeds: Vec<DeedView>,
    /// What all of the run did: what an undo of it is about.
    #[serde(skip)]
    pub whole: Tally,
    /// The run that took it back last, as far as it could; `None`: none did, or that was taken back itself.
    #[serde(skip)]
    pub undone_by: Option<String>,
}

/// How much a whole run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Actions that were carried out.
    pub done: usize,
    /// Items among them that were deleted where no program can restore them.
    pub in_trash: usize,
    /// Links among them that were ended.
    pub unlinked: usize,
    /// Items among them that were created, or brought back: an undo leaves them unless it is told to delete them.
    pub made: usize,
}

impl Tally {
    /// Counts the deeds of a whole run.
    pub fn of(deeds: &[DeedView]) -> Tally {
        let done = deeds.iter().filter(|deed| deed.outcome == Outcome::Done);
        let in_trash = |deed: &&DeedView| {
            deed.kind == JournalKind::Delete && !capabilities::of(deed.side).restores
        };
        let unlinked = done.clone().filter(|deed| deed.kind == JournalKind::Unlink);
        let is_made =
            |deed: &&DeedView| matches!(deed.kind, JournalKind::Create | JournalKind::Restore);
        Tally {
            done: done.clone().count(),
            unlinked: unlinked.count(),
            made: done.clone().filter(is_made).count(),
            in_trash: done.filter(in_trash).count(),
        }
    }
}

/// One action, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeedView {
    /// When it was first recorded.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// The run that it belongs to.
    pub run: String,
    /// Its id, as in log lines; `log` takes it.
    pub action: ActionId,
    /// The link, as in log lines; `None`: there was none yet.
    pub link: Option<LinkId>,
    /// The pair.
    pub pair: PairName,
    /// The side that was written to.
    pub side: Side,
    /// The item on that side; `None`: it was to be created, and its id is not known.
    pub item: Option<ItemId>,
    /// The item on the other side; `None`: not known any more.
    pub counterpart: Option<ItemId>,
    /// The title that was last seen of it, or of its counterpart; `None`: neither was ever read.
    pub title: Option<String>,
    /// What was to be done.
    #[serde(serialize_with = "kind_in_words")]
    pub kind: JournalKind,
    /// What came of it.
    #[serde(serialize_with = "outcome_in_words")]
    pub outcome: Outcome,
    /// More about it; empty: there is no more to say.
    pub detail: String,
    /// What was written, field by field. Empty where nothing was, or where it is not about fields.
    pub changes: Vec<ChangeView>,
}

/// Something that was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeView {
    /// What it is: a field, or something that hangs on the item.
    #[serde(flatten, with = "subject::named")]
    pub subject: Subject,
    /// What it held before; `None`: that was not known.
    #[serde(serialize_with = "plain")]
    pub before: Option<FieldValue>,
    /// What it held afterwards; `None`: that was not known.
    #[serde(serialize_with = "plain")]
    pub after: Option<FieldValue>,
    /// Why it was written; `None`: that was not recorded.
    pub reason: Option<String>,
}

fn plain<S: Serializer>(value: &Option<FieldValue>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(super::plain).serialize(to)
}

fn in_words<S: Serializer>(cause: &Option<Cause>, to: S) -> Result<S::Ok, S::Error> {
    cause.as_ref().map(ToString::to_string).serialize(to)
}

fn end_in_words<S: Serializer>(end: &Option<RunEnd>, to: S) -> Result<S::Ok, S::Error> {
    end.map(RunEnd::key).serialize(to)
}

fn kind_in_words<S: Serializer>(kind: &JournalKind, to: S) -> Result<S::Ok, S::Error> {
    kind.key().serialize(to)
}

fn outcome_in_words<S: Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
    outcome.key().serialize(to)
}

/// How runs are told.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// How the program is called in hints: `boardsync`, with the options that it was given.
    pub program: &'a str,
    /// Says a time: the reader's, and UTC beside it.
    pub time: &'a dyn Fn(Timestamp) -> String,
    /// Whether everything is shown, however much it is.
    pub all: bool,
}

/// Returns runs for people, in the order given, ending in a line break.
pub fn runs(views: &[RunView], told: &Told<'_>, style: &Style) -> String {
    let mut out = String::new();
    for (n, view) in views.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        run(view, told, style, &mut out);
    }
    out
}

fn line(out: &mut String, indent: usize, text: &str) {
    out.push_str(&" ".repeat(indent));
    out.push_str(text.trim_end_matches(' '));
    out.push('\n');
}

fn sentence(out: &mut String, indent: usize, text: &str, style: &Style) {
    for piece in wrap(
        &style.sentence(text),
        style.columns().saturating_sub(indent),
    ) {
        line(out, indent, &piece);
    }
}

fn run(view: &RunView, told: &Told<'_>, style: &Style, out: &mut String) {
    let cause = match (&view.cause, view.outcome) {
        (Some(cause), _) => cause.to_string(),
        (None, _) => "killed, or settled by the next start".to_owned(),
    };
    let head = style.paint(Ink::Strong, &format!("run {}", escape(&view.run)));
    let time = (told.time)(view.at);
    match width(&view.run) + width(&time) + 6 <= style.columns() {
        true => line(out, 0, &format!("{head}  {time}")),
        false => {
            line(out, 0, &head);
            line(out, 2, &time);
        }
    }
    let done = view
        .deeds
        .iter()
        .filter(|deed| deed.outcome == Outcome::Done);
    let done = done.count();
    let open = view.deeds.iter().filter(|deed| is_open(deed)).count();
    let rest = view.deeds.len() - done - open;
    let mut words = Vec::new();
    // Of an item, say: what the whole run did, which is what `undo` takes back.
    let in_all = view.whole.done.max(done);
    match (done, open) {
        (0, 0) if in_all > 0 => words.push("nothing of this written".to_owned()),
        (0, 0) => words.push("nothing written".to_owned()),
        (0, _) => {}
        (n, _) => words.push(plural(n, "action done", "actions done")),
    }
    if in_all > done {
        words.push(match done {
            0 => format!(
                "{} done in the whole run",
                plural(in_all, "action", "actions")
            ),
            _ => format!("{in_all} in the whole run"),
        });
    }
    if rest > 0 {
        words.push(format!("{rest} not done"));
    }
    if open > 0 {
        words.push(format!("{open} without an answer"));
    }
    match view.outcome {
        Some(RunEnd::Stopped) => words.push("at least one pair stood still".to_owned()),
        Some(RunEnd::Failed) => words.push("ended by an error".to_owned()),
        Some(RunEnd::Done) | None => {}
    }
    sentence(out, 2, &format!("{cause}: {}", words.join(", ")), style);
    for detail in view.detail.iter().flat_map(|detail| detail.lines()) {
        sentence(out, 2, detail, style);
    }
    let most = if told.all { usize::MAX } else { MAX_LISTED };
    for deed in view.deeds.iter().take(most) {
        one(deed, told, style, out);
    }
    if let Some(hidden) = view.deeds.len().checked_sub(most).filter(|n| *n > 0) {
        let more = plural(hidden, "action", "actions");
        let all = format!("{} log {}", told.program, escape(&view.run));
        line(out, 2, &format!("... and {more} more (all of them: {all})"));
    }
    if done > 0 {
        undo_hint(view, in_all, told, style, out);
    }
}

/// What takes a run back. `in_all`: how many actions that is about.
fn undo_hint(view: &RunView, in_all: usize, told: &Told<'_>, style: &Style, out: &mut String) {
    if let Some(by) = &view.undone_by {
        let text = format!("taken back by run {by}, as far as it could be; what that did:");
        sentence(out, 2, &text, style);
        let log = format!("{} log {}", told.program, escape(by));
        line(out, 4, &style.paint(Ink::Faint, &log));
        return;
    }
    match view.whole.in_trash {
        0 => {}
        1 => sentence(out, 2, RESTORE_ONE, style),
        _ => sentence(out, 2, RESTORE_SOME, style),
    }
    let mut undo = format!("{} undo {}", told.program, escape(&view.run));
    let undoes = view.cause.as_ref().is_some_and(Cause::is_undo);
    if view.whole.unlinked > 0 && view.whole.unlinked == view.whole.done && !undoes {
        sentence(out, 2, RELINK, style);
        line(out, 4, &style.paint(Ink::Faint, &undo));
        return;
    }
    let what = match in_all > view.deeds.len() {
        true => format!("all {in_all} actions of the run"),
        false => "it".to_owned(),
    };
    let made = view.whole.made;
    let lead = match made > 0 && made == view.whole.done {
        true => {
            undo.push_str(" --delete-created");
            format!("to take {what} back, which deletes what was made:")
        }
        false => format!("to take {what} back:"),
    };
    match 3 + width(&lead) + width(&undo) <= style.columns() {
        true => line(out, 2, &style.paint(Ink::Faint, &format!("{lead} {undo}"))),
        false => {
            line(out, 2, &style.paint(Ink::Faint, &lead));
            line(out, 4, &style.paint(Ink::Faint, &undo));
        }
    }
    if made > 0 && made < view.whole.done {
        let text = "(what it created stays, unless --delete-created is added)";
        sentence(out, 2, text, style);
    }
}

/// Whether nobody was told what became of it: it may be in force all the same.
fn is_open(deed: &DeedView) -> bool {
    match deed.outcome {
        Outcome::Failed => !deed.changes.is_empty(),
        Outcome::Sent | Outcome::InDoubt => true,
        Outcome::Done | Outcome::Lost | Outcome::Dropped => false,
    }
}

fn one(deed: &DeedView, told: &Told<'_>, style: &Style, out: &mut String) {
    let item = deed.item.as_ref();
    let item = item.map(|id| format!("{} {}", deed.side, escape(id.as_str())));
    let other = deed.counterpart.as_ref();
    let other = other.map(|id| format!("{} {}", deed.side.other(), escape(id.as_str())));
    let items: Vec<String> = item.into_iter().chain(other).collect();
    let (word, ink) = word(deed);
    let lead = match items.as_slice() {
        [] => format!("{word} in {}", deed.side),
        items => format!("{word} {}", items.join(" = ")),
    };
    let title = deed.title.as_deref().map(escape).unwrap_or_default();
    let room = style.columns().saturating_sub(width(&lead) + 4);
    // A title of three letters tells nobody anything.
    let title = match room < 12 {
        true => String::new(),
        false => cut(&title, room),
    };
    let lead = style.paint(ink, &lead);
    line(
        out,
        2,
        &format!("{lead}  {}", style.paint(Ink::Faint, &title)),
    );
    if !deed.detail.is_empty() {
        sentence(out, 4, &deed.detail, style);
    }
    for change in &deed.changes {
        shown(change, told.all, style, out);
    }
    let mut ids = vec![format!("action {}", escape(&deed.action.0))];
    ids.extend(deed.link.map(|link| format!("link {link}")));
    ids.push(format!("pair {}", escape(&deed.pair.0)));
    let ids = cut(&ids.join(", "), style.columns().saturating_sub(4));
    line(out, 4, &style.paint(Ink::Faint, &ids));
}

/// What was done, or what came of the attempt, in words that are true of the services.
fn word(deed: &DeedView) -> (String, Ink) {
    let (done, tried) = match deed.kind {
        JournalKind::Create => ("created", "create"),
        JournalKind::Update => ("updated", "update"),
        JournalKind::Delete => ("deleted", "delete"),
        JournalKind::Close => ("closed", "close"),
        JournalKind::Link => ("linked", "link"),
        JournalKind::Unlink => ("unlinked", "unlink"),
        JournalKind::Restore => ("restored", "restore"),
        JournalKind::Choice => ("choice carried out for", "choice"),
        JournalKind::Claim => ("claim on", "claim"),
    };
    match deed.outcome {
        Outcome::Done => (done.to_owned(), Ink::Strong),
        Outcome::Failed if deed.changes.is_empty() => (format!("{tried} failed of"), Ink::Remove),
        Outcome::Failed => (format!("{tried} without a usable answer of"), Ink::Remove),
        Outcome::Sent => (format!("{tried} sent, answer not recorded, of"), Ink::Warn),
        Outcome::Lost => (format!("{tried} that never showed,"), Ink::Warn),
        Outcome::InDoubt => (format!("{tried} answered in doubt,"), Ink::Warn),
        Outcome::Dropped => (format!("{tried} dropped for"), Ink::Warn),
    }
}

fn shown(change: &ChangeView, all: bool, style: &Style, out: &mut String) {
    let label = Label::of(&escape(&change.subject.to_string()), LABEL);
    if let Some(above) = &label.above {
        line(out, 4, above);
    }
    let (wide, label) = (label.width(), label.beside);
    let Some(after) = &change.after else {
        return line(
            out,
            4,
            &format!("{label}  (what it had afterwards is not known)"),
        );
    };
    let long = [change.before.as_ref(), Some(after)];
    let long = long
        .into_iter()
        .flatten()
        .any(|value| matches!(value, FieldValue::Rich(_)));
    let taken = if long { 6 } else { 4 + wide + 2 };
    let room = Room {
        columns: style.columns().saturating_sub(taken),
        all,
    };
    let lines = match &change.before {
        // Of something new there is nothing to compare with.
        None => vec![diff::brief(after, room.columns.min(60))],
        Some(before) => diff::change(Some(before), after, room, style),
    };
    let mut lines = lines.into_iter();
    if long && change.before.is_some() {
        if !label.trim().is_empty() {
            line(out, 4, &label);
        }
    } else {
        line(
            out,
            4,
            &format!("{label}  {}", lines.next().unwrap_or_default()),
        );
    }
    for rest in lines {
        line(out, taken, &rest);
    }
    if let Some(reason) = &change.reason {
        let room = style.columns().saturating_sub(4 + LABEL + 2);
        for piece in wrap(&format!("({})", style.sentence(reason)), room) {
            line(out, 4 + LABEL + 2, &style.paint(Ink::Faint, &piece));
        }
    }
}
