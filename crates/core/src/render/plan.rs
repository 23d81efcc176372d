//! The plan as a readable difference: by pair, totals first, then item by item, in both directions.

mod guard;
mod item;
mod still_open;
mod totals;
mod twins;

pub(super) use still_open::beside;
pub use still_open::{OpenConflict, StillOpen};
pub(super) use twins::{Twins, likely_twins};

use super::conflict;
use super::measure::{cut, width, wrap};
use super::paint::{Ink, Style, amount, escape, hanging, plural};
use crate::model::{ItemId, LinkId, PairName, Sided};
use crate::reconcile::plan::{Action, ActionKind, Hold, PairPlan, Plan};
use std::collections::BTreeMap;
use still_open::NONE;
use totals::Totals;

/// Items, holds or conflicts of one pair that are shown before the rest is only counted.
const MAX_LISTED: usize = 50;
/// Column in which values start, after the longest built-in name.
const LABEL: usize = 13;

/// How much of a plan is shown, and what its hints say.
#[derive(Clone, Copy, Debug)]
pub struct Show<'a> {
    /// Whether every item, hold and line is shown, however many there are.
    pub all: bool,
    /// How the addresses of items are shown.
    pub addresses: Addresses,
    /// How the program is called in hints: `boardsync`, with the options that it was given.
    pub program: &'a str,
    /// What is to be typed to see all of it, where this command has no `--all` of its own.
    pub whole: Option<&'a str>,
    /// The file that the plan comes from, as the command line has it; `None`: it was just made.
    pub file: Option<&'a str>,
    /// Whether a command makes this plan again only with `--full`: without it nobody looks for what is gone.
    pub full: bool,
    /// What is open in a pair beside the plan, because nothing of it changed.
    pub still_open: &'a BTreeMap<PairName, StillOpen>,
    /// What is asked right after it.
    pub asks: Asks,
    /// Whether it takes something back: what it leaves as it is stands in the place of what is held.
    pub undoes: bool,
}

/// What is asked about a plan right after it is shown. Who is asked needs no command that carries it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asks {
    /// Nothing.
    #[default]
    Nothing,
    /// For the yes that a first plan or a changed mapping waits for.
    Yes,
    /// For that, and for what lets a plan through its guard.
    All,
}

/// How the addresses of items are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// Not at all.
    #[default]
    Hidden,
    /// As text, on a line of their own.
    Written,
    /// As links behind the ids, where the terminal follows such links (OSC 8).
    Linked,
}

impl Default for Show<'_> {
    fn default() -> Self {
        Show {
            all: false,
            addresses: Addresses::Hidden,
            program: "boardsync",
            whole: None,
            file: None,
            full: false,
            still_open: &NONE,
            asks: Asks::Nothing,
            undoes: false,
        }
    }
}

impl Show<'_> {
    fn most(&self) -> usize {
        match self.all {
            true => usize::MAX,
            false => MAX_LISTED,
        }
    }
}

/// What nobody can tell after a database was lost or put back.
const AFTER_A_LOSS: &str = "Afterwards each of these that carries no marker gets a counterpart, also where somebody deleted the one that it \
                            had: delete such an item as well, or take it out of the scope, before that.";

/// Writes a plan, piece by piece.
struct Page<'a> {
    show: &'a Show<'a>,
    style: &'a Style,
    out: String,
}

/// Returns the plan for people, ending in a line break. The last line says in words how much there is.
pub fn plan(plan: &Plan, show: &Show<'_>, style: &Style) -> String {
    if plan.pairs.is_empty() {
        return "no pairs are configured, nothing to do\n".to_owned();
    }
    plan_of_pairs(&plan.pairs, show, style)
}

/// Returns what is planned for some pairs, as [`plan`] does for all.
pub fn plan_of_pairs(pairs: &[PairPlan], show: &Show<'_>, style: &Style) -> String {
    let mut page = Page {
        show,
        style,
        out: String::new(),
    };
    for pair in pairs {
        page.pair(pair);
    }
    let busy: Vec<&PairPlan> = pairs.iter().filter(|pair| !is_quiet(pair)).collect();
    match busy.as_slice() {
        [] => {}
        [one] => page.last(&Totals::of(&[one], show).words()),
        many => {
            let pairs = plural(many.len(), "pair", "pairs");
            page.last(&format!("{} in {pairs}", Totals::of(many, show).words()));
        }
    }
    page.out
}

fn is_quiet(pair: &PairPlan) -> bool {
    pair.actions.is_empty()
        && pair.holds.is_empty()
        && pair.conflicts.is_empty()
        && pair.tripped.is_empty()
        && pair.blocked.is_none()
}

impl Page<'_> {
    /// Writes one line.
    fn line(&mut self, indent: &str, text: &str) {
        self.out.push_str(indent);
        self.out.push_str(text.trim_end_matches(' '));
        self.out.push('\n');
    }

    /// Writes what the plan comes to in all.
    fn last(&mut self, text: &str) {
        self.out.push_str(&hanging(text, 4, self.style));
    }

    /// Writes a sentence on as many lines as it takes.
    fn sentence(&mut self, indent: &str, text: &str) {
        let room = self.style.columns().saturating_sub(indent.len());
        for line in wrap(&self.style.sentence(text), room) {
            self.line(indent, &line);
        }
    }

    fn pair(&mut self, pair: &PairPlan) {
        let name = self.style.paint(Ink::Strong, &escape(&pair.pair.0));
        let rest = self.still_open(pair);
        if is_quiet(pair) {
            let looked = match pair.looked_at {
                0 => String::new(),
                n => format!("; {}", plural(n, "linked item", "linked items")),
            };
            let (unequal, apart) = match pair.looked_at.saturating_sub(pair.in_sync) {
                0 => (false, String::new()),
                n => (true, format!(", {} not equal", amount(n))),
            };
            let open = match (rest.words(pair.paused.len()), unequal) {
                (Some(open), _) => format!("nothing to write, {open}{looked}{apart}"),
                (None, true) => format!("nothing to write{looked}{apart}"),
                (None, false) => format!("nothing to do{looked}"),
            };
            let taken = width(&escape(&pair.pair.0)) + 2;
            let room = self.style.columns().saturating_sub(taken).max(20);
            for (n, part) in wrap(&open, room).iter().enumerate() {
                match n {
                    0 => self.line("", &format!("{name}: {part}")),
                    _ => self.line("  ", part),
                }
            }
            self.beside(&rest);
            self.paused(pair);
            if pair.first_contact {
                self.first_contact(pair);
            }
            return;
        }
        self.line("", &name);
        self.totals(pair);
        self.out.push('\n');
        self.twins(pair);
        let fields = Fields::of(pair);
        self.items(pair, &fields);
        self.conflicts(pair);
        self.paused(pair);
        self.holds(pair, &fields, rest);
        let guarded = pair.guarded().next().is_some();
        if guarded {
            self.guards(pair);
        }
        match &pair.blocked {
            // A yes would not help.
            Some(why) => self.blocked(why),
            // Neither would a plain one: what the guards name lets this through too.
            None if pair.first_contact && !guarded => self.first_contact(pair),
            None if pair.first_contact && pair.ran_before => self.changed_too(pair),
            None => {}
        }
    }

    fn items(&mut self, pair: &PairPlan, fields: &Fields<'_>) {
        let groups = groups(pair);
        for group in groups.iter().take(self.show.most()) {
            self.item(group, fields);
        }
        self.more(groups.len(), "item", "items");
    }

    fn conflicts(&mut self, pair: &PairPlan) {
        for conflict in pair.conflicts.iter().take(self.show.most()) {
            conflict::block(conflict, "  ", self.style, &mut self.out);
            if conflict.taken.is_none() {
                let about = |hold: &&Hold| {
                    let field = hold.subject.field() == Some(&conflict.field);
                    field && hold.link == Some(conflict.link) && pair.contested(hold)
                };
                if let Some(hold) = pair.holds.iter().find(about) {
                    self.sentence("    ", &hold.reason());
                }
                let when = match self.is_recorded(pair, conflict) {
                    true => "",
                    false => ", which can be done once a cycle has recorded it",
                };
                let program = self.show.program;
                let hint = format!(
                    "stays as it is until somebody settles it{when}: {program} conflicts list"
                );
                self.sentence("    ", &hint);
            }
            self.out.push('\n');
        }
        self.more(pair.conflicts.len(), "conflict", "conflicts");
    }

    /// What is held, but for what stands at its field or its conflict already: what is new, and then what is open from before. `rest`: what is
    /// open beside the plan.
    fn holds(&mut self, pair: &PairPlan, fields: &Fields<'_>, mut rest: StillOpen) {
        let (shown, holds): (Vec<&Hold>, Vec<&Hold>) = pair
            .holds
            .iter()
            .filter(|hold| !pair.contested(hold))
            .partition(|hold| fields.shows(hold));
        let (known, holds): (Vec<&Hold>, Vec<&Hold>) = holds
            .into_iter()
            .partition(|hold| self.is_known(pair, hold));
        rest.holds.extend(known.into_iter().cloned());
        self.new_holds(&holds, shown.len());
        self.beside(&rest);
    }

    /// `shown`: how many others stand at their fields.
    fn new_holds(&mut self, holds: &[&Hold], shown: usize) {
        if holds.is_empty() {
            return;
        }
        let others = match shown {
            0 => String::new(),
            n => format!(" ({} more at its field above)", amount(n)),
        };
        let head = match self.show.undoes {
            true => "left as it is:".to_owned(),
            false => format!("held, nothing is written there{others}:"),
        };
        let head = self.style.paint(Ink::Warn, &head);
        self.line("  ", &head);
        for hold in holds.iter().take(self.show.most()) {
            self.hold(hold);
        }
        self.more(holds.len(), "hold", "holds");
        if holds.iter().any(|hold| hold.why.waits_for_lost_creates()) {
            self.sentence("    ", AFTER_A_LOSS);
        }
        if holds.len() <= self.show.most() {
            self.out.push('\n');
        }
    }

    fn paused(&mut self, pair: &PairPlan) {
        for why in &pair.paused {
            self.sentence("  ", &why.to_string());
        }
    }

    fn hold(&mut self, hold: &Hold) {
        let what = hold
            .subject
            .within()
            .map(|subject| format!(" {}", escape(&subject.to_string())))
            .unwrap_or_default();
        let head = format!("{} {}{what}", hold.side, escape(hold.item.as_str()));
        let room = self.style.columns().saturating_sub(width(&head) + 6);
        // Of an item that was never read the title is its id once more.
        let untitled = hold.title == format!("#{}", hold.item);
        let title = Some(&hold.title).filter(|_| !untitled);
        let title = title.map_or_else(String::new, |title| cut(&escape(title), room));
        let title = self.style.paint(Ink::Faint, &title);
        self.line("    ", &format!("{head}  {title}"));
        self.sentence("      ", &hold.reason());
    }

    fn more(&mut self, total: usize, one: &str, many: &str) {
        if let Some(hidden) = total.checked_sub(self.show.most()).filter(|n| *n > 0) {
            let rest = plural(hidden, one, many);
            let whole = self.show.whole.unwrap_or("--all");
            let text = format!("... and {rest} more (all of them: {whole})");
            for text in wrap(&text, self.style.columns().saturating_sub(2)) {
                let text = self.style.paint(Ink::Faint, &text);
                self.line("  ", &text);
            }
            self.out.push('\n');
        }
    }
}

/// What is held or left out of the fields of items that the plan writes, so that it stands there.
#[derive(Default)]
struct Fields<'p> {
    of_links: BTreeMap<LinkId, Vec<&'p Hold>>,
    of_items: Sided<BTreeMap<&'p ItemId, Vec<&'p Hold>>>,
}

impl<'p> Fields<'p> {
    fn of(pair: &'p PairPlan) -> Fields<'p> {
        let mut fields = Fields::default();
        for action in &pair.actions {
            match (action.kind, action.link, &action.source_item) {
                (ActionKind::Update, Some(link), _) => {
                    fields.of_links.entry(link).or_default();
                }
                (ActionKind::Create, None, Some(item)) => {
                    let items = fields.of_items.get_mut(action.target.other());
                    items.entry(item).or_default();
                }
                _ => {}
            }
        }
        for hold in pair.holds.iter().chain(&pair.left_out) {
            if hold.subject.field().is_none() {
                continue;
            }
            let there = match hold.link {
                Some(link) => fields.of_links.get_mut(&link),
                None => fields.of_items.get_mut(hold.side).get_mut(&hold.item),
            };
            if let Some(there) = there {
                there.push(hold);
            }
        }
        fields
    }

    /// Returns what stands at the fields of an action.
    fn at(&self, action: &Action) -> &[&'p Hold] {
        let found = match (action.link, &action.source_item) {
            (Some(link), _) => self.of_links.get(&link),
            (None, Some(item)) => self.of_items.get(action.target.other()).get(item),
            (None, None) => None,
        };
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a hold stands at a field.
    fn shows(&self, hold: &Hold) -> bool {
        let at_field = hold.subject.field().is_some();
        at_field
            && match hold.link {
                Some(link) => self.of_links.contains_key(&link),
                None => self.of_items.get(hold.side).contains_key(&hold.item),
            }
    }
}

/// The actions of one link, or a single action that has none.
fn groups(pair: &PairPlan) -> Vec<Vec<&Action>> {
    let mut groups: Vec<(Option<LinkId>, Vec<&Action>)> = Vec::new();
    for action in &pair.actions {
        // The core plans link by link, so the actions of one link stand together.
        match groups.last_mut() {
            Some((Some(link), list)) if Some(*link) == action.link => list.push(action),
            _ => groups.push((action.link, vec![action])),
        }
    }
    groups.into_iter().map(|(_, list)| list).collect()
}
