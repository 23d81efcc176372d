//! The bases that the end of a pair's part in a cycle settles.

use super::Ending;
use crate::connector::answer;
use crate::engine::observe::{LeftBehind, rebased, told};
use crate::model::{BaseState, FieldKey, LinkId, Side, Sided};
use crate::reason::Outcome;
use crate::reconcile::settle::{self, AtEnd};
use crate::store::{ChoiceOp, Op, StoreError};
use std::collections::BTreeMap;

type Fields = BTreeMap<FieldKey, Sided<BaseState>>;

impl Ending<'_> {
    /// Bases that this cycle saw in force, but for those of fields that it has written since: their bases are newer.
    pub(super) fn confirmed_bases(&self) -> Result<Vec<Op>, StoreError> {
        let mut ops = Vec::new();
        for (link, looks) in &self.run.observed.findings.looks {
            let row = self.store.link(*link)?;
            if row.is_none_or(|row| row.pair != self.plan.pair) {
                continue;
            }
            // What an action of this cycle wrote since has its own base already.
            let mut fields = told(&self.store.base(*link)?, looks).fields;
            fields.retain(|key, _| {
                let returned = |side| (*link, side, key.clone());
                !Side::BOTH
                    .iter()
                    .any(|side| self.run.returned.contains_key(&returned(*side)))
            });
            if !fields.is_empty() {
                ops.extend(self.shown(*link, &fields)?);
                let link = *link;
                ops.push(Op::SetBase { link, fields });
            }
        }
        Ok(ops)
    }

    /// How the services stored what a settled conflict or a choice made of a field, where only a listing tells.
    fn shown(
        &self,
        link: LinkId,
        fields: &BTreeMap<FieldKey, Sided<BaseState>>,
    ) -> Result<Vec<Op>, StoreError> {
        let before = self.store.base(link)?;
        let mut ops = Vec::new();
        for (field, now) in fields {
            let Some(old) = before.get(field) else {
                continue;
            };
            for (side, (old, now)) in old.as_ref().zip(now.as_ref()).iter() {
                let (sent, shown) = (old.value(), now.value());
                if sent != shown {
                    ops.push(Op::Choice(ChoiceOp::Shown {
                        link,
                        field: field.clone(),
                        side,
                        sent: sent.clone(),
                        shown: shown.clone(),
                    }));
                }
            }
        }
        Ok(ops)
    }

    /// Bases of fields on which both sides agree without a write.
    pub(super) fn rebases(&self) -> impl Iterator<Item = Op> {
        self.plan.rebases.iter().map(|rebase| Op::SetBase {
            link: rebase.link,
            fields: rebased(rebase),
        })
    }

    /// Writes that had no answer, or one that leaves open whether they went through, and that both items now show: the journal
    /// says so, in the run that sent them, so that `history` does not end with a failure and `undo` finds them done.
    ///
    /// Example: a title was sent, the connection broke, and the repeat was refused because the work item had moved. It had
    /// moved by that very title.
    pub(super) fn in_force_after_all(&self) -> Result<Vec<Op>, StoreError> {
        let mut ops = Vec::new();
        for rebase in &self.plan.rebases {
            for side in Side::BOTH {
                let open = self.store.open_write(rebase.link, side, &self.run.cycle)?;
                let Some(mut line) = open else {
                    continue;
                };
                line.changes.retain(|subject, change| {
                    let now = subject
                        .field()
                        .and_then(|field| rebase.fields.get_key_value(field));
                    now.zip(change.after.as_ref())
                        .is_some_and(|((key, now), sent)| {
                            answer::in_force(side, key, sent, now.get(side))
                        })
                });
                if line.changes.is_empty() {
                    continue;
                }
                line.at = self.now;
                line.outcome = Outcome::Done;
                line.detail = "in force after all, although it had no usable answer".to_owned();
                // Somebody may have written since; which version ours left nobody has said.
                line.version = None;
                ops.push(Op::Journal(line));
            }
        }
        ops.extend(self.set_back()?);
        Ok(ops)
    }

    /// The same of values that an item's own history shows, and that somebody has changed since.
    fn set_back(&self) -> Result<Vec<Op>, StoreError> {
        let mut ops = Vec::new();
        for (link, side, field, left) in &self.run.observed.findings.left_behind {
            let LeftBehind::SetBack { made: ours, .. } = left else {
                continue;
            };
            let open = self.store.open_write(*link, *side, &self.run.cycle)?;
            let Some(mut line) = open.filter(|_| self.links.contains(link)) else {
                continue;
            };
            line.changes.retain(|subject, change| {
                let sent = change
                    .after
                    .as_ref()
                    .filter(|_| subject.field() == Some(field));
                sent.is_some_and(|sent| answer::in_force(*side, field, sent, ours))
            });
            if line.changes.is_empty() {
                continue;
            }
            line.at = self.now;
            line.outcome = Outcome::Done;
            line.detail =
                "was in force although it had no usable answer; somebody has changed it since"
                    .to_owned();
            line.version = None;
            ops.push(Op::Journal(line));
        }
        Ok(ops)
    }

    /// Ends the wait for what a service made of an earlier write, where the item has another version than the one that is
    /// stored.
    pub(super) fn closed_bases(&self) -> Result<Vec<Op>, StoreError> {
        let mut ops = Vec::new();
        let mut steps = self.store.transits()?;
        steps.retain(|row| !row.via.is_empty());
        for (link, items) in self.linked() {
            // Both halves of a field may end their wait at once, and a base is stored as a whole. So the second half is
            // ended in what the first one came to: the stored base would have the first one wait again.
            let mut fields = Fields::new();
            let looks = self.run.observed.findings.looks.get(link);
            let told = match looks {
                Some(looks) => told(&self.store.base(*link)?, looks).fields,
                None => Fields::new(),
            };
            for side in Side::BOTH {
                let id = items.get(side);
                let (written, seen) = self.newest(side, id);
                let known = self.store.known(side, id)?.map(|known| known.version);
                let now = written.or(seen).map(|item| item.version);
                let open = self.run.unclean.contains(link) || self.run.reread.contains(link);
                if open || now.is_none() || now == known {
                    continue;
                }
                for (key, stored) in self.store.sent_only(*link, side)? {
                    let base = fields.get(&key).unwrap_or(&stored);
                    let mut notes = steps.iter();
                    let in_steps =
                        notes.any(|row| (row.link, row.side, &row.field) == (*link, side, &key));
                    let known = self.known_of((*link, &key), &told, in_steps);
                    if let Some(base) = settle::at_end(side, base, known) {
                        fields.insert(key, base);
                    }
                }
            }
            if !fields.is_empty() {
                let link = *link;
                ops.push(Op::SetBase { link, fields });
            }
        }
        Ok(ops)
    }

    /// What this cycle found out about a field. `told`: the bases that followed from what the items show. `in_steps`: whether
    /// a note of steps that lead to its value stands.
    fn known_of(
        &self,
        (link, field): (LinkId, &FieldKey),
        told: &Fields,
        in_steps: bool,
    ) -> AtEnd<'_> {
        let answered = |side| {
            let answer = self.run.returned.get(&(link, side, field.clone()));
            answer.map(|answer| &answer.value)
        };
        AtEnd {
            answered: Sided::build(answered),
            told: told.contains_key(field),
            in_steps,
        }
    }
}
