//! What the items of a page of a full listing were last seen at and agreed on, in one query each.

use super::Store;
use super::error::{StoreError, from_json, sql, to_json};
use super::observations::READER;
use crate::model::{FieldKey, FieldValue, ItemId, PairName, Side, Version};
use rusqlite::params;
use std::collections::{BTreeMap, HashMap, HashSet};

impl Store {
    /// Returns the stored versions of those of `items` that a sweep need not look into while they stand at them: the link in
    /// this pair is active, and nothing of this side's base was only sent. What another version of this program read
    /// is left out: it is read again, because this one may read it differently.
    pub fn settled<'a>(
        &self,
        side: Side,
        pair: &PairName,
        items: impl Iterator<Item = &'a ItemId>,
    ) -> Result<HashMap<ItemId, Version>, StoreError> {
        let items = to_json("ids", &items.collect::<Vec<_>>())?;
        self.connection
            .prepare_cached(&settled_text(side))
            .and_then(|mut statement| {
                let keys = params![pair.0, items, side.key(), READER];
                let rows = statement
                    .query_map(keys, |row| Ok((ItemId(row.get(0)?), Version(row.get(1)?))))?;
                rows.collect()
            })
            .map_err(sql("read what is settled"))
    }

    /// Returns those of the items of a pair's active links whose base on one side says something else than `shown` does.
    /// A field without a base is passed over. The order is of no meaning.
    pub fn differing(
        &self,
        side: Side,
        pair: &PairName,
        shown: &HashMap<&ItemId, &BTreeMap<FieldKey, FieldValue>>,
    ) -> Result<HashSet<ItemId>, StoreError> {
        let fields: HashSet<String> = shown
            .values()
            .flat_map(|fields| fields.keys())
            .map(FieldKey::to_string)
            .collect();
        let fields = to_json("field names", &fields)?;
        let items = to_json("ids", &shown.keys().collect::<Vec<_>>())?;
        let text = differing_text(side);
        let mut statement = self
            .connection
            .prepare_cached(&text)
            .map_err(sql("read bases"))?;
        let mut rows = statement
            .query([&pair.0, &items, &fields])
            .map_err(sql("read bases"))?;
        let mut out = HashSet::new();
        while let Some(row) = rows.next().map_err(sql("read bases"))? {
            let text = |column: usize| row.get::<_, String>(column).map_err(sql("read bases"));
            let (item, field) = (ItemId(text(0)?), super::links::parse_field(&text(1)?)?);
            let now = shown.get(&item).and_then(|fields| fields.get(&field));
            if let Some(now) = now
                && from_json::<FieldValue>("base value", &text(2)?)? != *now
            {
                out.insert(item);
            }
        }
        Ok(out)
    }
}

/// `CROSS JOIN` keeps SQLite at this order: from the few ids to their links, never through all links of the pair.
pub(super) fn settled_text(side: Side) -> String {
    let column = side.key();
    format!(
        "SELECT link.{column}, observation.version FROM json_each(?2) AS wanted
         CROSS JOIN link ON link.{column} = wanted.value AND link.pair = ?1 AND link.state = 'active'
         CROSS JOIN observation INDEXED BY observation_version
             ON observation.side = ?3 AND observation.item = wanted.value AND observation.reader = ?4
         WHERE NOT EXISTS (SELECT 1 FROM base WHERE base.link = link.id AND base.{column}_state = 'sent')"
    )
}

pub(super) fn differing_text(side: Side) -> String {
    let column = side.key();
    format!(
        "SELECT link.{column}, base.field, base.{column} FROM json_each(?2) AS wanted
         CROSS JOIN link ON link.{column} = wanted.value AND link.pair = ?1 AND link.state = 'active'
         CROSS JOIN base ON base.link = link.id
         WHERE base.field IN (SELECT value FROM json_each(?3))"
    )
}
