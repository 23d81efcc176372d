//! What the items of a whole pair last agreed on, in one pass.

use super::Store;
use super::error::{StoreError, from_json, sql, to_json};
use crate::model::{FieldKey, FieldValue, ItemId, PairName, Side};
use std::collections::{BTreeMap, HashMap, HashSet};

impl Store {
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
        let text = differing_text(side);
        let mut statement = self
            .connection
            .prepare_cached(&text)
            .map_err(sql("read bases"))?;
        let mut rows = statement
            .query([&pair.0, &fields])
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

fn differing_text(side: Side) -> String {
    let column = side.key();
    format!(
        "SELECT link.{column}, base.field, base.{column} FROM link JOIN base ON base.link = link.id
         WHERE link.pair = ?1 AND link.state = 'active' AND base.field IN (SELECT value FROM json_each(?2))"
    )
}
