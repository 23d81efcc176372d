//! Whole listings, as their pages come.

use super::controls::Control;
use super::remote::{Remote, Row};
use super::rng::{hash, mix};
use super::script::Fault;
use super::world::{Record, State, World, numbered};
use boardsync::connector::{ListedRow, Swept, Watermark};
use boardsync::model::{FieldKey, PairName, Side, Timestamp};
use std::collections::BTreeSet;

impl Remote {
    /// A row of a complete listing. ADO's show revisions and what may change without one.
    fn swept_row(&self, world: &World, record: &Record, state: &State) -> ListedRow {
        let mut row = self.row(world, record, state);
        if self.side == Side::Ado
            && let Some(item) = row.item.take()
            && !self.is(Control::VersionsOnly)
        {
            let shown = item.fields.into_iter();
            row.shown = shown.filter(|(key, _)| *key == FieldKey::Tags).collect();
        }
        row
    }

    /// A whole listing, in the order in which its pages come: an older state of a task that was changed under the walk comes
    /// before the later one, and of a pair whose place is found gone half way some rows came already.
    pub fn everything(
        &self,
        world: &mut World,
        fault: Option<&Fault>,
        pairs: &BTreeSet<PairName>,
    ) -> (Vec<ListedRow>, Swept) {
        world.answers(self.side, fault);
        let failed = self.troubled(world, pairs);
        let asked: BTreeSet<usize> = pairs.iter().map(numbered).collect();
        let found = self.rows(world, fault, |_, state| asked.contains(&state.pair));
        let mut rows = Vec::new();
        for Row { record, state } in found {
            let at = record;
            let record = &world.side.get(self.side).records[at];
            let dice = hash(world.seed ^ 0x5EE9, record.id.as_str().as_bytes());
            let dice = mix(dice ^ world.requests);
            let row = self.swept_row(world, record, &record.past[state]);
            let before = state.checked_sub(1).map(|state| &record.past[state]);
            let before = before.filter(|before| before.in_scope && !before.deleted);
            let before = before.filter(|before| asked.contains(&before.pair));
            let before = before.filter(|_| self.side == Side::ClickUp && dice.is_multiple_of(4));
            let before = before.map(|before| self.swept_row(world, record, before));
            let before = before.filter(|before| before.version < row.version);
            let void = failed.contains_key(&row.pair);
            if void && !dice.is_multiple_of(2) {
                continue;
            }
            let counted = [
                ("listed before its place was gone", void),
                ("listed twice", before.is_some()),
            ];
            for (word, _) in counted.into_iter().filter(|(_, met)| *met) {
                world.count(word);
            }
            rows.extend(before);
            rows.push(row);
        }
        let server = Some(Timestamp(world.server(self.side)));
        let watermark = Watermark {
            high: server,
            settled: server,
            ..Watermark::default()
        };
        (rows, Swept { watermark, failed })
    }
}
