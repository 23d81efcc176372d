//! One item of a plan, with everything that is written to it or to its counterpart.

use super::{Addresses, Fields, LABEL, Page};
use crate::capabilities;
use crate::model::{FieldKey, FieldValue, Folded, Side};
use crate::reason::{HoldWhy, ValueWhy};
use crate::reconcile::plan::{Action, ActionKind, FieldChange, Hold};
use crate::render::diff::{self, Room};
use crate::render::measure::{Label, cut, width, wrap};
use crate::render::paint::{Ink, Style, escape};

impl Page<'_> {
    pub(super) fn item(&mut self, group: &[&Action], fields: &Fields<'_>) {
        let Some(first) = group.first() else { return };
        match first.kind {
            ActionKind::Update => {
                self.heading(group, first);
                for action in group {
                    self.update(action, fields.at(first));
                }
                // After both sides: a hold is about the field of the link, whichever of them would be written to.
                self.left_out(fields.at(first));
            }
            ActionKind::Create => {
                for action in group {
                    self.create(action, fields);
                }
            }
            ActionKind::Delete
            | ActionKind::Close
            | ActionKind::Link
            | ActionKind::Unlink
            | ActionKind::Restore => {
                for action in group {
                    self.own_record(action);
                }
            }
        }
        self.out.push('\n');
    }

    fn heading(&mut self, group: &[&Action], first: &Action) {
        let named = group
            .iter()
            .find(|action| action.target == Side::Ado)
            .unwrap_or(&first);
        let room = self
            .style
            .columns()
            .saturating_sub(4 + width(&both_ids(first)));
        let title = cut(&escape(&named.title), room.max(20));
        let title = self.style.paint(Ink::Strong, &title);
        let ids = self.ids(first, group);
        self.line("  ", &format!("{title}  {ids}"));
        self.addresses(group);
    }

    /// Both ids, as links where that is wanted.
    fn ids(&self, first: &Action, group: &[&Action]) -> String {
        let ids: Vec<String> = Side::BOTH
            .iter()
            .filter_map(|side| {
                let shown = self.style.paint(Ink::Faint, &id_on(first, *side)?);
                let mut known = group.iter().filter(|action| side_of_url(action) == *side);
                let url = known.find_map(|action| linkable(&action.url));
                Some(match (self.show.addresses, url) {
                    (Addresses::Linked, Some(url)) => {
                        format!("\u{1b}]8;;{url}\u{1b}\\{shown}\u{1b}]8;;\u{1b}\\")
                    }
                    _ => shown,
                })
            })
            .collect();
        ids.join(&self.style.paint(Ink::Faint, " = "))
    }

    /// The addresses, where they are wanted as text.
    fn addresses(&mut self, group: &[&Action]) {
        if self.show.addresses != Addresses::Written {
            return;
        }
        for action in group {
            if let Some(url) = linkable(&action.url) {
                let url = self.style.paint(Ink::Faint, url);
                self.line("    ", &url);
            }
        }
    }

    fn update(&mut self, action: &Action, held: &[&Hold]) {
        if !takes_nothing(action, held) {
            let to = self
                .style
                .paint(Ink::Faint, &format!("to {}:", action.target));
            self.line("    ", &to);
        }
        // Where every change has one reason it is said once.
        let shared = action
            .changes
            .first()
            .map(|change| change.reason.as_str())
            .filter(|reason| {
                action.changes.len() > 1 && action.changes.iter().all(|c| c.reason == *reason)
            });
        for change in &action.changes {
            let Some(after) = taken(action.target, change, held) else {
                continue;
            };
            let change = FieldChange {
                after: stored(action.target, &after),
                ..change.clone()
            };
            self.field(&change, shared.is_none());
        }
        if let Some(reason) = shared {
            self.because(reason);
        }
        if action.why.deleted_in().is_some() {
            self.because(&action.reason());
        }
    }

    fn field(&mut self, change: &FieldChange, with_reason: bool) {
        let label = Label::of(&escape(&change.field.to_string()), LABEL);
        let columns = self.style.columns().saturating_sub(6 + label.width() + 2);
        let long = matches!(change.after, FieldValue::Rich(_))
            || matches!(change.before, Some(FieldValue::Rich(_)));
        let room = Room {
            columns: match long {
                true => self.style.columns().saturating_sub(8),
                false => columns,
            },
            all: self.show.all,
        };
        let before = change.before.as_ref();
        let shown = diff::change(before, &change.after, room, self.style);
        let reason = format!("({})", escape(&change.reason));
        let taken = width(&reason) + 2;
        let reason = self.style.paint(Ink::Faint, &reason);
        // Of a value on one line the reason follows it, of a long text it stands before it, where there is room.
        let (first, rest) = match shown.split_first() {
            None => ("", [].as_slice()),
            Some(_) if long => ("", shown.as_slice()),
            Some((first, rest)) => (first.as_str(), rest),
        };
        // Counted without colour: the plain form is what the reader's columns hold.
        let plain = Style {
            colour: false,
            ..*self.style
        };
        let wide = match first {
            "" => 0,
            _ => diff::change(before, &change.after, room, &plain)
                .first()
                .map_or(0, |line| width(line)),
        };
        let beside = with_reason && (rest.is_empty() || long) && wide + taken <= columns + 2;
        let tail = match (beside, first) {
            (true, "") => reason,
            (true, _) => format!("  {reason}"),
            (false, _) => String::new(),
        };
        if let Some(above) = &label.above {
            self.line("      ", above);
        }
        self.line("      ", &format!("{}  {first}{tail}", label.beside));
        if long && with_reason && !beside {
            self.because(&change.reason);
        }
        let indent = match long {
            true => " ".repeat(8),
            false => " ".repeat(6 + label.width() + 2),
        };
        for line in rest {
            self.line(&indent, line);
        }
        if !long && with_reason && !beside {
            self.because(&change.reason);
        }
    }

    fn because(&mut self, reason: &str) {
        let room = self.style.columns().saturating_sub(6 + LABEL + 4);
        for line in wrap(&format!("({})", self.style.sentence(reason)), room) {
            let line = self.style.paint(Ink::Faint, &line);
            self.line(&" ".repeat(6 + LABEL + 2), &line);
        }
    }

    /// Fields of the item that are not, or not wholly, carried over, each with what would help.
    fn left_out(&mut self, held: &[&Hold]) {
        for hold in held {
            let Some(field) = hold.subject.field() else {
                continue;
            };
            let label = Label::of(&escape(&field.to_string()), LABEL);
            let room = self.style.columns().saturating_sub(6 + label.width() + 2);
            if let Some(above) = &label.above {
                self.line("      ", above);
            }
            let mut lead = label.beside.clone();
            let reason = self.style.sentence(&hold.reason());
            for line in wrap(&format!("not carried over: {reason}"), room) {
                let line = self.style.paint(Ink::Warn, &line);
                self.line("      ", &format!("{lead}  {line}"));
                lead = " ".repeat(label.width());
            }
        }
    }

    /// A new counterpart: its title, then its other fields on as few lines as they need.
    fn create(&mut self, action: &Action, fields: &Fields<'_>) {
        let lead = format!("+ new in {}:", action.target);
        let title = action
            .changes
            .iter()
            .find(|change| change.field == FieldKey::Title)
            .map_or_else(|| action.title.clone(), |change| change.after.to_string());
        let room = self.style.columns().saturating_sub(width(&lead) + 3);
        let title = cut(&escape(&title), room.max(20));
        let title = self.style.paint(Ink::Strong, &title);
        let lead = self.style.paint(Ink::Add, &lead);
        self.line("  ", &format!("{lead} {title}"));
        if id_on(action, action.target.other()).is_some() {
            let ids = self.ids(action, &[action]);
            let of = self.style.paint(Ink::Faint, "for ");
            let under = action.parent.as_ref().map(|parent| {
                let parent = escape(&parent.0);
                let under = format!(
                    ", below the counterpart of {} {parent}",
                    action.target.other()
                );
                self.style.paint(Ink::Faint, &under)
            });
            let under = under.unwrap_or_default();
            self.line("      ", &format!("{of}{ids}{under}"));
        }
        self.addresses(&[action]);
        let held = fields.at(action);
        let changes = action.changes.iter();
        let rest = changes.filter(|change| change.field != FieldKey::Title);
        let parts = rest.filter_map(|change| {
            let after = taken(action.target, change, held)?;
            let value = diff::brief(&stored(action.target, &after), 50);
            Some(format!("{}: {value}", escape(&change.field.to_string())))
        });
        let parts: Vec<String> = parts.collect();
        for line in join_wrapped(&parts, self.style.columns().saturating_sub(6)) {
            self.line("      ", &line);
        }
        self.left_out(held);
    }

    fn own_record(&mut self, action: &Action) {
        let (mark, ink, what) = match action.kind {
            ActionKind::Delete => ("-", Ink::Remove, format!("delete in {}", action.target)),
            ActionKind::Close => ("-", Ink::Warn, format!("close in {}", action.target)),
            ActionKind::Link => ("=", Ink::Add, "link".to_owned()),
            ActionKind::Unlink => ("x", Ink::Warn, "unlink".to_owned()),
            ActionKind::Restore => ("+", Ink::Add, format!("restore in {}", action.target)),
            ActionKind::Create | ActionKind::Update => ("*", Ink::Strong, "change".to_owned()),
        };
        let lead = format!("{mark} {what}:");
        let room = self
            .style
            .columns()
            .saturating_sub(3 + width(&lead))
            .max(20);
        let title = cut(&escape(&action.title), room);
        let lead = self.style.paint(ink, &lead);
        self.line("  ", &format!("{lead} {title}"));
        let detail = format!(
            "{}: {}",
            both_ids(action),
            self.style.sentence(&action.reason())
        );
        for line in wrap(&detail, self.style.columns().saturating_sub(6)) {
            let line = self.style.paint(Ink::Faint, &line);
            self.line("      ", &line);
        }
        self.addresses(&[action]);
    }
}

/// Whether an action is an update of which the service takes nothing, by what is said beside it: it is no write to whoever reads the
/// plan.
pub(super) fn takes_nothing(action: &Action, held: &[&Hold]) -> bool {
    let mut changes = action.changes.iter();
    action.kind == ActionKind::Update
        && !action.changes.is_empty()
        && changes.all(|change| taken(action.target, change, held).is_none())
}

/// What a service takes of a change, by what is said beside it; `None`: nothing.
///
/// Example: a work item is assigned to somebody who has no ClickUp account. No assignee is promised, and why stands below.
fn taken(side: Side, change: &FieldChange, held: &[&Hold]) -> Option<FieldValue> {
    let of_field = held.iter().filter(|hold| hold.subject == change.field);
    let (mut after, mut less) = (change.after.clone(), false);
    for hold in of_field {
        match &hold.why {
            HoldWhy::Value(ValueWhy::StateOfNoType { .. }) if side == Side::Ado => return None,
            HoldWhy::Value(ValueWhy::PeopleUnmapped {
                people,
                side: lacks,
                ..
            }) if *lacks == side => {
                let mut members = after.members();
                let all = members.len();
                members.retain(|person| !people.contains(&person.shown));
                less |= members.len() < all;
                after = FieldValue::from_people(members);
            }
            _ => {}
        }
    }
    // Without those who would be added the service is not asked to take anybody off either.
    let before = change.before.as_ref().unwrap_or(&FieldValue::Empty);
    let adds_nobody = after.members().is_subset(&before.members());
    (!less || !adds_nobody).then_some(after)
}

/// A value as the service will show it.
fn stored(side: Side, value: &FieldValue) -> FieldValue {
    match value {
        FieldValue::Tags(tags) if capabilities::of(side).lowers_tags => {
            let tags = tags
                .iter()
                .map(|tag| Folded::new(&tag.shown.to_lowercase()));
            FieldValue::from_tags(tags.collect())
        }
        value => value.clone(),
    }
}

fn id_on(action: &Action, side: Side) -> Option<String> {
    let id = if side == action.target {
        action.target_item.as_ref()
    } else {
        action.source_item.as_ref()
    };
    id.map(|id| format!("{side} {}", escape(id.as_str())))
}

fn both_ids(action: &Action) -> String {
    let ids: Vec<String> = Side::BOTH
        .iter()
        .filter_map(|side| id_on(action, *side))
        .collect();
    ids.join(" = ")
}

/// The side of the item whose address an action has.
fn side_of_url(action: &Action) -> Side {
    match action.kind {
        ActionKind::Create => action.target.other(),
        ActionKind::Update
        | ActionKind::Delete
        | ActionKind::Close
        | ActionKind::Link
        | ActionKind::Unlink
        | ActionKind::Restore => action.target,
    }
}

/// An address that a terminal may be given: of the web, and with nothing in it that could steer the terminal.
fn linkable(url: &str) -> Option<&str> {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let plain = url.chars().all(|c| c.is_ascii_graphic());
    (web && plain).then_some(url)
}

/// Joins parts with `; ` and breaks between parts only.
fn join_wrapped(parts: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if width(line) + 2 + width(part) <= room => {
                line.push_str("; ");
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines
}
